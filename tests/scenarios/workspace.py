"""A project of its own for a scenario: a copy of this one with its own state, store and machines."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from soop_components.engine.environment import find_pulumi, pulumi_environment
from soop_components.machines.local.local_machines import LocalMachines, MachineFacts
from soop_components.plugin import stop_idle_servers
from soop_components.project import Project
from soop_components.setup import shell_environment
from tests.scenarios.folders import claimed, copy, share
from tests.scenarios.inside import by_root, entered
from tests.shipped import is_shipped

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / ".cache" / "scenarios"
"""Where scenarios live; what a killed run left in it is removed by the next one."""
_COPIED = ("Pulumi.yaml", "__main__.py", "service_defs", "stacks")
_LINKED = (".venv", ".toolchain")
NO_ANSWER = (OSError, HTTPException, ValueError)
"""What :func:`get` raises instead of an answer: nobody there, one that breaks off, or one that is no JSON."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended; ``text`` is all that it said."""

    exit_code: int
    text: str


class Workspace:
    """A project of a scenario, driven as its users drive it: by commands."""

    too_long = 600
    """Seconds after which a command counts as hung."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = Project(root)
        self.environment = pulumi_environment(self.project, find_pulumi(self.project, os.environ), os.environ)
        shell_environment.ensure(self.project)

    def run(self, *argv: str) -> Outcome:
        """Run a command in the project and return how it ended."""
        ended = subprocess.run(
            argv,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=self.too_long,
            check=False,
        )
        return Outcome(ended.returncode, ended.stdout)

    def must(self, *argv: str) -> str:
        """Run a command that has to succeed and return what it said."""
        outcome = self.run(*argv)
        assert outcome.exit_code == 0, f"{' '.join(argv)} ended with {outcome.exit_code}:\n{outcome.text}"
        return outcome.text

    def fails(self, *argv: str) -> str:
        """Run a command that has to fail and return what it said; only programs on nodes, quoted, show tracebacks."""
        outcome = self.run(*argv)
        assert outcome.exit_code != 0, f"{' '.join(argv)} succeeded:\n{outcome.text}"
        ours = [line for line in outcome.text.splitlines() if not line.lstrip().startswith("| ")]
        assert not any("Traceback" in line for line in ours), outcome.text
        return outcome.text

    def start(self, *argv: str) -> subprocess.Popen[str]:
        """Start a command in a process group of its own, for a scenario that interrupts it."""
        return subprocess.Popen(
            argv,
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def up(self, domain: str) -> str:
        """Bring a domain up."""
        return self.must("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", domain)

    def outputs(self, domain: str) -> dict[str, Any]:
        """Return a stack's outputs; secrets stay hidden."""
        found: dict[str, Any] = json.loads(self.must("pulumi", "stack", "output", "--json", "--stack", domain))
        return found

    def service(self, domain: str, service: str = "access-service") -> dict[str, Any]:
        """Return what a domain's outputs say of a service."""
        found: dict[str, Any] = self.outputs(domain)["services"][service]
        return found

    def ssh(self, node: str, *command: str) -> str:
        """Run a command on a node, as users do."""
        return self.must("soop", "ssh", node, *command)

    def sh(self, node: str, command: str) -> str:
        """Run a shell command on a machine of this host, in a moment; it has to succeed."""
        return self.must(*entered(self.first_process(node)), "bash", "-c", command)

    def changes(self, domain: str) -> dict[str, int]:
        """Preview a domain and return how many resources it would change, by operation; ``same`` is left out."""
        text = self.must("pulumi", "preview", "--json", "--stack", domain)
        summary: dict[str, int] = json.loads(text[text.index("{") :])["changeSummary"]
        return {operation: number for operation, number in summary.items() if operation != "same"}

    def first_process(self, node: str) -> int:
        """Return a node's first process, without which the kernel ends all others on it."""
        found = asyncio.run(LocalMachines(self.project).inspect([node]))[node]
        supervisor = found.pid if isinstance(found, MachineFacts) else None
        assert supervisor is not None, f"{node} does not run"
        return int(Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()[0])

    def processes(self) -> list[int]:
        """Return the processes on the host, not those in machines, that work in the project's folder."""
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and self._is_in(entry)]

    def is_quiet(self) -> bool:
        """Return whether nothing goes on in the project; a provider's server that waits for the next engine leaves."""
        stop_idle_servers(self.root)
        return not self.processes()

    def _is_in(self, entry: Path) -> bool:
        try:
            return (entry / "cwd").readlink().is_relative_to(self.root)
        except OSError:
            return False

    def remove(self) -> None:
        """Remove every process, machine, disk and network of the project, and its folder."""
        while left := self.processes():
            subprocess.run(by_root("kill", "-KILL", *map(str, left)), check=False, capture_output=True)
            time.sleep(0.1)
        asyncio.run(LocalMachines(self.project).clean())
        subprocess.run(by_root("rm", "-rf", "--one-file-system", str(self.root)), check=True)


@contextmanager
def _no_foreign_state() -> Iterator[None]:
    """Leave out the variables that would lead commands to the state of the checkout that is being tested."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("PULUMI_", "SOOP_"))]:
            patch.delenv(name)
        yield


@contextmanager
def workspace(name: str) -> Iterator[Workspace]:
    """Yield a fresh project; nothing of it is left afterwards."""
    with _no_foreign_state():
        yield from _workspace(name)


def _workspace(name: str) -> Iterator[Workspace]:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with claimed(FOLDER / f"{name}-{secrets.token_hex(4)}") as root:
        assert root is not None, "two scenarios have drawn the same name"
        yield from _made(root)


def _made(root: Path) -> Iterator[Workspace]:
    root.mkdir()
    for part in _COPIED:
        copy(CHECKOUT / part, root / part)
    for definition in (root / "stacks").glob("Pulumi.*.yaml"):
        if not is_shipped(CHECKOUT / definition.relative_to(root)):
            definition.unlink()
    for part in _LINKED:
        if (CHECKOUT / part).exists():
            (root / part).symlink_to(CHECKOUT / part)
    made = Workspace(root)
    share_what_was_fetched(made.project)
    try:
        yield made
    finally:
        made.remove()


@contextmanager
def empty_folder(name: str) -> Iterator[Path]:
    """Yield a folder for projects that a scenario begins by itself; nothing of them is left afterwards."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with _no_foreign_state(), claimed(FOLDER / f"{name}-{secrets.token_hex(4)}") as root:
        assert root is not None, "two scenarios have drawn the same name"
        root.mkdir()
        try:
            yield root
        finally:
            _remove(root)


def share_what_was_fetched(project: Project) -> None:
    """Give a project this checkout's finished base images and its packages."""
    project.make_home()
    project.images.mkdir(mode=0o700)
    images = CHECKOUT / ".soop" / "images"
    for record in images.glob("*.json"):
        for part in (record.stem, f"{record.stem}.manifest", f"{record.stem}.made-from", record.name):
            if (images / part).exists():
                share(images / part, project.images / part)
    if (CHECKOUT / ".soop" / "cache").exists():
        share(CHECKOUT / ".soop" / "cache", project.cache)


def sweep(folder: Path = FOLDER) -> None:
    """Remove the projects that killed runs left behind, with all that still works in them; those in use stay."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        with claimed(path.with_name(path.name.removesuffix(".lock"))) as root:
            if root is not None and root.is_dir():
                _remove(root)


def _remove(root: Path) -> None:
    """Remove a project, or a folder with projects in it, also what was only half made."""
    for file in [*root.glob("*/Pulumi.yaml"), *root.glob("Pulumi.yaml")]:
        with _no_foreign_state():
            Workspace(file.parent).remove()
    if root.exists():
        subprocess.run(by_root("rm", "-rf", "--one-file-system", str(root)), check=True)


def get(url: str, method: str = "GET", seconds: float = 30) -> tuple[int, dict[str, Any]]:
    """Ask a URL once and return status and JSON, which may be so many seconds in coming."""
    request = urllib.request.Request(url, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=seconds) as answer:
            return answer.status, json.loads(answer.read() or b"{}")
    except urllib.error.HTTPError as error:
        return error.code, {}


def eventually(condition: Any, seconds: float = 60.0) -> None:
    """Wait until a condition holds; fail when it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{condition} did not become true within {seconds} s"
        time.sleep(0.2)

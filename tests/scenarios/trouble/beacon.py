"""Domains of the beacon service, which is quick to deploy and as bad as its configuration says."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import threading
import time
from pathlib import Path
from typing import Any

from tests.scenarios.workspace import Outcome, Workspace, get

SERVICE = "beacon-service"
REFERENCE = "beacon-service-1.0.0"
ONE, OTHER = "dev-one", "dev-other"
UP = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive")


def furnish(project: Workspace) -> None:
    """Put the beacon service into a project in place of all others, and build it."""
    for definition in (project.root / "stacks").glob("Pulumi.*.yaml"):
        definition.unlink()
    add(project)


def add(project: Workspace) -> None:
    """Put the beacon service into a project beside others, and build it."""
    shutil.copytree(Path(__file__).parent / "service_defs" / SERVICE, project.root / "service_defs" / SERVICE)
    project.must("soop", "lock", f"service_defs/{SERVICE}")
    project.must("soop", "build", f"service_defs/{SERVICE}")


class Beacon:
    """One domain with web nodes of the beacon service."""

    def __init__(self, project: Workspace, domain: str) -> None:
        self.project = project
        self.domain = domain
        self.nodes = 1
        self.reference = REFERENCE
        self.settled = False
        """Whether all is as it was at first since its definition was last changed."""
        self._is_plain = True

    @property
    def definition(self) -> Path:
        """The file of the domain definition."""
        return self.project.root / "stacks" / f"Pulumi.{self.domain}.yaml"

    @property
    def node(self) -> str:
        """The name of the first node."""
        return self.name(1)

    def name(self, number: int) -> str:
        """Return the name of a node."""
        return f"web-{number}.{SERVICE}.{self.domain}"

    def define(self, nodes: int | None = None, accept_within: str | None = None, **config: Any) -> None:
        """Write the domain definition; the engine's own lines in it stay."""
        self.nodes = nodes or self.nodes
        self.settled = False
        self._is_plain = config.keys() <= {"says"}
        kept = self.definition.read_text() if self.definition.exists() else ""
        salt = "".join(line for line in kept.splitlines(keepends=True) if line.startswith("encryptionsalt:"))
        self.definition.write_text(
            "config:\n  soop:environment: dev\n  soop:services:\n"
            f"    - service: {self.reference}\n      nodes: {{web: {self.nodes}}}\n      config: {json.dumps(config)}\n"
            + (f"      rollout: {{web: {{accept_within: {accept_within}}}}}\n" if accept_within else "")
            + f"{salt}"
        )

    def up(self) -> Outcome:
        """Bring it up as its definition says."""
        return self.project.run(*UP, "--stack", self.domain)

    def deploy(self) -> str:
        """Bring it up with what is to be cleared first; this has to succeed."""
        return self.project.must("soop", "deploy", "--yes", self.reference, self.domain)

    def fails(self, *words: str) -> str:
        """Bring it up, which has to fail and to say these words."""
        output = self.project.fails(*UP, "--stack", self.domain)
        for word in words:
            assert word in output, f"{word!r} is not in:\n{output}"
        return output

    def says(self, text: str | None = None) -> list[dict[str, Any]]:
        """Return what every node answers; with a text, expect just that."""
        urls = self.project.service(self.domain, SERVICE)["endpoints"]["http"]
        answers = [get(f"{url}/") for url in urls]
        if text is not None:
            assert [(status, answer["says"]) for status, answer in answers] == [(200, text)] * len(urls)
        return [answer for _, answer in answers]

    def changes(self) -> dict[str, int]:
        """Return what a preview would change."""
        return self.project.changes(self.domain)

    def is_well(self, says: str) -> None:
        """See that every node says this and that nothing is left to change."""
        self.says(says)
        changes = self.changes()
        assert changes == {}, self.project.must("pulumi", "preview", "--diff", "--stack", self.domain)
        self.settled = self.nodes == 2 and self._is_plain

    def resources(self) -> list[dict[str, Any]]:
        """Return the resources in the state."""
        found: list[dict[str, Any]] = self.state().get("resources", [])
        return found

    def state(self) -> dict[str, Any]:
        """Return the deployment in the state."""
        text = self.project.must("pulumi", "stack", "export", "--stack", self.domain)
        found: dict[str, Any] = json.loads(text)["deployment"] or {}
        return found

    def sh(self, command: str, number: int = 1) -> str:
        """Run a shell command on a node."""
        return self.project.sh(self.name(number), command)

    def go_on(self) -> None:
        """Let programs of slow trouble end."""
        for number in range(1, self.nodes + 1):
            self.sh("touch /run/beacon-goes-on", number)

    def hold(self) -> None:
        """Let programs of slow trouble wait."""
        for number in range(1, self.nodes + 1):
            self.sh("rm -f /run/beacon-goes-on", number)

    def machine(self, number: int = 1) -> int:
        """Return a node's first process, without which the kernel ends all others on it."""
        return self.project.first_process(self.name(number))

    def since(self) -> list[float]:
        """Return when the program on each node was started."""
        return [answer["since"] for answer in self.says()]

    def begin(self, *argv: str) -> Run:
        """Begin to bring it up, or another command, and be ready to interfere."""
        return Run(self.project, *(argv or (*UP, "--stack", self.domain)))


class Run:
    """A command that is watched while it runs."""

    def __init__(self, project: Workspace, *argv: str) -> None:
        self.process = project.start(*argv)
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    @property
    def text(self) -> str:
        """All that it has said so far."""
        return "".join(self._lines)

    def until(self, pattern: str, seconds: float = 120.0) -> Run:
        """Wait until it has said something that fits a regular expression."""
        deadline = time.monotonic() + seconds
        while re.search(pattern, self.text) is None:
            assert self.process.poll() is None, f"it ended before it said {pattern!r}:\n{self.text}"
            assert time.monotonic() < deadline, f"it did not say {pattern!r}:\n{self.text}"
            time.sleep(0.01)
        return self

    def interrupt(self) -> None:
        """Press Ctrl-C: the terminal sends the signal to the whole process group."""
        os.killpg(self.process.pid, signal.SIGINT)

    def kill(self) -> None:
        """Kill the engine alone, as a crash or the out-of-memory killer would; the rest has to notice."""
        self.process.kill()
        self.process.wait()

    def end(self, seconds: float = 180.0) -> Outcome:
        """Wait for the end."""
        code = self.process.wait(seconds)
        self._reader.join(10)
        return Outcome(code, self.text)

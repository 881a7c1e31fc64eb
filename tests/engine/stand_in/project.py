"""A project of its own in a temporary folder: the real engine, program and artifacts, a stand-in for the provider."""

from __future__ import annotations

import json
import os
import pty
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.engine import Engine
from soop_components.plugin import stop_idle_servers
from soop_components.project import Project

REPOSITORY = Path(__file__).parents[3]
VERSIONS = ("3.2.3", "3.2.4", "9.0.0")
"""Of access-service and gateway-service; 9.0.0 is never accepted."""
PULUMI_YAML = """\
name: stand-in
runtime: python
stackConfigDir: stacks
plugins:
  providers:
    - {name: soop, path: provider}
"""
SERVICE_YAML = """\
format: 1
service: SERVICE
version: 3.2.3
components:
  site: {uses: files, with: {files: {/etc/site: {content: "{{ service.version }}"}}}}
  job: {uses: systemd_service, with: {command: sleep 1}}
nodes:
  web: {components: [site, job], count: {default: 2}}
  store: {components: [site], disk: {size: 1GiB, mount: /srv}}
"""
SERVICE_LOCK = f"""\
format: 1
base: {{name: debian-12, digest: "sha256:{"0" * 64}"}}
packages: {{}}
roles:
  web: {{asked: [], packages: []}}
  store: {{asked: [], packages: []}}
"""


class StandInProject:
    """The folder and how to run ``soop`` and ``pulumi`` in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gate = root / "gate"
        self.program = "soop_components.cli.main"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "SOOP_", "GIT_"))},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(REPOSITORY),
            "STAND_IN_WAITS": str(self.gate),
        }

    def make(self) -> None:
        """Write the project and build its services."""
        self.write("Pulumi.yaml", PULUMI_YAML)
        self.write(".soop/passphrase", "of this test alone\n")
        self.write("__main__.py", "from soop_components.components.program import deploy_domain\n\ndeploy_domain()\n")
        self.write("stacks/environments/dev.yaml", "machines: local\n")
        self.write("stacks/environments/prod.yaml", "reliability: {protect_stateful: true}\n")
        launcher = self.root / "provider" / "pulumi-resource-soop"
        self.write(
            "provider/pulumi-resource-soop",
            f'#!/bin/sh\nexec {shlex.join([sys.executable, str(Path(__file__).parent / "provider.py")])} "$@"\n',
        )
        launcher.chmod(0o755)
        for service in ("access-service", "gateway-service"):
            self.write(f"service_defs/{service}/service.yaml", SERVICE_YAML.replace("SERVICE", service))
            self.write(f"service_defs/{service}/service.lock", SERVICE_LOCK)
            for version in VERSIONS:
                project = Project(self.root)
                build(project, read_source(project, service), lambda _: None, version)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start ``soop``; its output may be read from ``stdout`` and ``stderr``."""
        return subprocess.Popen(
            [sys.executable, "-m", self.program, *words],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def soop(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        stdout, stderr = process.communicate(given)
        return subprocess.CompletedProcess(words, process.returncode, stdout, stderr)

    def at_a_terminal(self, answer: str, *words: str, once_asked: Callable[[], None] = lambda: None) -> tuple[int, str]:
        """Run ``soop`` at a terminal where somebody types ``answer``; return its exit code and the screen's text."""
        keyboard, terminal = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", self.program, *words],
            cwd=self.root,
            env={**self.environment, "TERM": "dumb"},
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        screen, was_asked = b"", False
        while True:
            try:
                screen += os.read(keyboard, 4096)
            except OSError:  # nobody has the terminal open any more
                break
            if not was_asked and b"[y/N] " in screen:
                was_asked = True
                once_asked()
                os.write(keyboard, answer.encode())
        os.close(keyboard)
        return process.wait(), screen.decode(errors="replace")

    def pulumi(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a bare ``pulumi``."""
        environment = Engine(Project(self.root), self.environment).environment
        argv = ["pulumi", *words]
        return subprocess.run(argv, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    def succeed(self, *words: str) -> str:
        """Run ``soop`` and return all that it said."""
        done = self.soop(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def fail(self, *words: str) -> str:
        """Run ``soop``, which must fail without a traceback, and return all that it said."""
        done = self.soop(*words)
        assert done.returncode != 0, done.stdout + done.stderr
        assert "Traceback" not in done.stdout + done.stderr
        return done.stdout + done.stderr

    def status(self, domain: str) -> Any:
        """Return what ``soop status --json`` prints of one domain."""
        done = self.soop("status", "--json", domain)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)[0]

    def versions(self, domain: str) -> dict[str, str | None]:
        """Return the accepted version of each service of a domain, as the state says."""
        path = self.root / f".soop/state/.pulumi/stacks/stand-in/{domain}.json"
        resources = json.loads(path.read_text())["checkpoint"]["latest"]["resources"]
        releases = [each for each in resources if each["type"] == "soop:index:Release"]
        return {each["urn"].rsplit("::", 1)[1]: each["outputs"].get("version") for each in releases}

    def engine_process(self, domain: str) -> int:
        """Return the process that holds the lock on a domain."""
        lock = next(self.root.glob(f".soop/state/.pulumi/locks/**/{domain}/*.json"))
        return int(json.loads(lock.read_text())["pid"])

    def hold(self, kind: str) -> None:
        """Let resources of a kind wait."""
        self.begun.unlink(missing_ok=True)
        self.gate.write_text(kind)

    @property
    def begun(self) -> Path:
        return self.gate.with_name(self.gate.name + ".begun")

    def await_begun(self, process: subprocess.Popen[str]) -> None:
        """Return when a resource waits."""
        while not self.begun.exists():
            assert process.poll() is None, process.communicate()
            time.sleep(0.05)

    def release(self) -> None:
        """Let nothing wait any more."""
        self.gate.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project with two services in three versions, of which each test gets a copy."""
    project = StandInProject(tmp_path_factory.mktemp("built") / "a project")
    project.make()
    return project.root


@pytest.fixture
def project(tmp_path: Path, built: Path) -> Iterator[StandInProject]:
    """A project with two services in three versions and nothing deployed."""
    project = StandInProject(shutil.copytree(built, tmp_path / "a project", symlinks=True))
    yield project
    project.release()
    stop_idle_servers(project.root)

"""A project of its own for each figure, with its own state, artifacts and machines; nothing of it is left."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from bench.sample import Sample, measure
from soop_components.engine.environment import find_pulumi, prepare, pulumi_environment
from soop_components.engine.state import StackState
from soop_components.machines.local.local_machines import LocalMachines
from soop_components.plugin import stop_idle_servers
from soop_components.project import Project

COLD = {"SOOP_LINGER": "0"}
"""Variables with which each run starts with nothing that an earlier one has opened."""
CHECKOUT = Path(__file__).resolve().parents[1]
FOLDER = CHECKOUT / ".cache" / "bench"
WORKSPACES = FOLDER / "workspaces"
HERE = CHECKOUT / "bench"


class Workspace:
    """A project, driven by commands as its users drive it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = Project(root)
        self.environment = pulumi_environment(self.project, find_pulumi(Project(CHECKOUT), os.environ), os.environ)
        prepare(self.project, self.environment)

    def with_environment(self, **environment: str) -> Workspace:
        """Return the same project with further variables for its commands."""
        other = copy.copy(self)
        other.environment = {**self.environment, **environment}
        return other

    def run(self, *argv: str | Path, expect: str = "", memory: bool = False) -> Sample:
        """Run a command and measure it."""
        return measure(argv, self.root, self.environment, expect, memory)

    def up(self, stack: str, *options: str, expect: str = "") -> Sample:
        """Let the engine bring a stack to what its definition says."""
        return self.run("pulumi", "up", "--yes", "--non-interactive", *options, "--stack", stack, expect=expect)

    def preview(self, stack: str, *, expect: str = "", memory: bool = False) -> Sample:
        """Let the engine preview a stack."""
        return self.run("pulumi", "preview", "--non-interactive", "--stack", stack, expect=expect, memory=memory)

    def make_stack(self, stack: str) -> None:
        """Make a stack without resources."""
        self.run("pulumi", "stack", "init", stack, "--no-select", "--non-interactive")

    def destroy(self, stack: str) -> None:
        """Remove what a stack has made, disks too."""
        self.run("pulumi", "destroy", "--yes", "--skip-preview", "--non-interactive", "--stack", stack)

    def resources(self, stack: str) -> list[dict[str, Any]]:
        """Return the resources of a stack, secrets in plain text."""
        found: list[dict[str, Any]] = json.loads(self._export(stack))["deployment"].get("resources", [])
        return found

    def state(self, stack: str) -> StackState:
        """Return what a stack's state says of its nodes, and the key that opens them."""
        return StackState.parse(self._export(stack))

    def _export(self, stack: str) -> str:
        return self.run("pulumi", "stack", "export", "--show-secrets", "--stack", stack).said

    def define(
        self, domain: str, service: str, nodes: Mapping[str, int], config: Mapping[str, Any], *others: str
    ) -> None:
        """Write a domain definition; ``others`` are services as they are."""
        services: list[dict[str, Any]] = [{"service": service, "nodes": dict(nodes), "config": dict(config)}]
        services += [{"service": other} for other in others]
        path = self.project.domain_file(domain)
        found = yaml.safe_load(path.read_text()) if path.exists() else {}
        config_of_stack = {"soop:environment": domain.split("-")[0], "soop:services": services}
        path.write_text(yaml.safe_dump({**found, "config": config_of_stack}))

    def remove(self) -> None:
        """Remove every machine, disk and network of the project, and its folder."""
        stop_idle_servers(self.root)
        asyncio.run(LocalMachines(self.project).clean())
        subprocess.run([*as_root(), "rm", "-rf", "--one-file-system", str(self.root)], check=True)


@contextmanager
def examples() -> Iterator[Workspace]:
    """Yield a project with the services of this checkout, not built yet."""
    with _workspace("examples", _make_examples) as made:
        yield made


@contextmanager
def small() -> Iterator[Workspace]:
    """Yield a project with the small service, built."""
    with _workspace("small", _make_small) as made:
        made.run("soop", "build", "service_defs/small-service")
        yield made


@contextmanager
def web() -> Iterator[Workspace]:
    """Yield a project with the service that answers requests, not built yet, and the nginx in front of it, built."""
    with _workspace("web", _make_web) as made:
        made.run("soop", "build", "service_defs/front-service")
        yield made


@contextmanager
def bare() -> Iterator[Workspace]:
    """Yield a project with the bare program and its provider."""
    with _workspace("bare", _make_bare) as made:
        yield made


_LOCKS = {
    "web-service": HERE / "small" / "service_defs" / "small-service",
    "front-service": CHECKOUT / "service_defs" / "gateway-service",
}
"""Services whose packages are those of another one, role by role."""
_OURS = ("Pulumi.yaml", "__main__.py", "service_defs", "stacks")


def _make_examples(root: Path) -> None:
    for part in _OURS:
        _copy(CHECKOUT / part, root / part)


def _make_small(root: Path) -> None:
    for part in _OURS[:2]:
        _copy(CHECKOUT / part, root / part)
    for part in _OURS[2:]:
        _copy(HERE / "small" / part, root / part)


def _make_web(root: Path) -> None:
    for part in _OURS[:2]:
        _copy(CHECKOUT / part, root / part)
    _copy(HERE / "web" / "service_defs", root / "service_defs")
    _copy(HERE / "small" / "stacks", root / "stacks")
    for folder, lock in _LOCKS.items():
        _copy(lock / "service.lock", root / "service_defs" / folder)


def _make_bare(root: Path) -> None:
    for part in ("Pulumi.yaml", "__main__.py"):
        _copy(HERE / "bare" / part, root / part)
    plugin = root / "pulumi-resource-bare"
    plugin.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(HERE / "bare" / "provider.py")])} "$@"\n')
    plugin.chmod(0o755)


@contextmanager
def _workspace(name: str, fill: Callable[[Path], object]) -> Iterator[Workspace]:
    WORKSPACES.mkdir(parents=True, exist_ok=True)
    root = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=WORKSPACES))
    fill(root)
    for part in (".venv", ".toolchain"):
        if (CHECKOUT / part).exists():
            (root / part).symlink_to(CHECKOUT / part)
    made = Workspace(root)
    share(CHECKOUT / ".soop" / "images", made.project.images)
    if (CHECKOUT / ".soop" / "cache").exists():
        share(CHECKOUT / ".soop" / "cache", made.project.cache)
    try:
        yield made
    finally:
        made.remove()


def sweep() -> None:
    """Remove the projects that killed runs left behind."""
    for root in sorted(WORKSPACES.glob("*")) if WORKSPACES.is_dir() else []:
        Workspace(root).remove()


def share(source: Path, target: Path) -> None:
    """Copy a folder by hard links: what it holds is never changed in place."""
    subprocess.run([*as_root(), "cp", "-al", str(source), str(target)], check=True)


def as_root() -> list[str]:
    """Return what makes the rest of a command run as root."""
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)

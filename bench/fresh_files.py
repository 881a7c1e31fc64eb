"""What somebody who deploys by hand has lying ready: for each node its packages, rendered files and scripts.

Taken from the domain's plan, so that both sides of the comparison put the same bytes on the nodes.
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from bench.workspace import Workspace
from soop_components.artifact.store import Artifact, Store
from soop_components.deployment.domain_plan import load_domain_plan
from soop_components.model.plan import ComponentPlan, RolePlan
from soop_components.model.service_plan import NodePlan, ServicePlan
from soop_components.reading.loader import OPTIONAL
from soop_components.runner.marks import put_node, put_secrets

_PASSWORD = "made-up-for-the-figures-012345678"  # noqa: S105 - nothing is behind it
_UNITS = "etc/systemd/system"


def lay_out(project: Workspace, domain: str, folder: Path) -> None:
    """Write the files of every node of a domain, and of its smoke tests."""
    config: Mapping[str, Any] = yaml.safe_load(project.project.domain_file(domain).read_text())["config"]
    plan = load_domain_plan(
        project.project,
        domain,
        environment=config["soop:environment"],
        services=config["soop:services"],
        optional={key: config.get(key) for key in OPTIONAL},
        secret_names={},
    )
    store = Store.of(project.project)
    for service in plan.services:
        artifact = store.open(f"{service.service}-{service.version}")
        for node in service.nodes.values():
            _Node(folder / "nodes" / node.name, artifact, node, service).write()
        _smoke_tests(folder / "smoke", artifact, service)


def _smoke_tests(folder: Path, artifact: Artifact, service: ServicePlan) -> None:
    for test in service.smoke_tests:
        if test.script is not None:
            name = Path(test.script.source).name
            _write(folder / name, _member(artifact, test.script.blob, test.script.source), 0o644)
            words = [f"{key}={value}" for key, value in test.script.environment.items()]
            _write(folder / f"{name}.env", " ".join(words).encode(), 0o644)


class _Node:
    """The files of one node."""

    def __init__(self, folder: Path, artifact: Artifact, node: NodePlan, service: ServicePlan) -> None:
        self._folder, self._artifact, self._node = folder, artifact, node
        self._role: RolePlan = service.roles[node.role]
        self._secrets = dict.fromkeys(service.secrets, _PASSWORD)

    def write(self) -> None:
        """Write all of them."""
        (self._folder / "debs").mkdir(parents=True)
        (self._folder / "root").mkdir()
        for name, package in self._role.packages.items():
            os.link(self._artifact.blob_path(package.digest), self._folder / "debs" / f"{name}.deb")
        for component in self._role.components.values():
            self._component(component)

    def _component(self, component: ComponentPlan) -> None:
        for path, file in component.files.items():
            self._put(f"root/{path}", component.blob, file.source, file.content, int(file.mode, 8))
        for name, unit in component.units.items():
            if unit.content is not None:
                self._put(f"root/{_UNITS}/{name}", None, None, unit.content, 0o644)
        for script in component.scripts:
            self._put(f"scripts/{script.name}", component.blob, script.source, script.content, 0o755)
            if script.stdin is not None:
                self._put(f"scripts/{script.name}.stdin", None, None, script.stdin, 0o644)

    def _put(self, path: str, blob: str | None, source: str | None, text: str | None, mode: int) -> None:
        if source is not None and blob is not None:
            content = _member(self._artifact, blob, source)
        else:
            content = put_secrets(put_node(text or "", self._node.values), self._secrets).encode()
        _write(self._folder / path.replace("//", "/"), content, mode)


def _member(artifact: Artifact, blob: str, source: str) -> bytes:
    with tarfile.open(artifact.blob_path(blob)) as archive:
        file = archive.extractfile(source)
        return file.read() if file else b""


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)

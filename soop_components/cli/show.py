"""``soop show``: shows what an artifact holds."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from soop_components.artifact.definition import PackedFiles
from soop_components.artifact.store import Artifact, Store
from soop_components.model.service import ConfigOption
from soop_components.project import Project

HELP = "show what an artifact holds"
DESCRIPTION = "Shows what an artifact holds: configuration, roles, components, smoke tests, packages."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("reference", metavar="SERVICE-VERSION", help="such as access-service-3.2.3")
    parser.add_argument("--json", action="store_true", help="print the resolved definition as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print an artifact for people, or for programs."""
    artifact = Store.of(Project.find()).open(arguments.reference)
    if arguments.json:
        print(artifact.resolved.model_dump_json(indent=2, by_alias=True))
    else:
        print("\n".join(describe(artifact)))
    return 0


def describe(artifact: Artifact) -> Iterator[str]:
    """Yield what people want to know of an artifact, line by line."""
    definition, resolved = artifact.definition, artifact.resolved
    yield f"{artifact.reference}  {artifact.digest}"
    if definition.summary:
        yield f"  {definition.summary}"
    yield f"  base {resolved.base.name}, {len(resolved.packages)} packages, {artifact.size() / 1e6:.1f} MB"
    sections = {
        "blocks of others": [f"{each.from_} {each.version}" for each in definition.blocks],
        "configuration": [f"{key}: {_origin(option)}" for key, option in definition.config.items()],
        "roles": [_role(role, artifact) for role in definition.nodes],
        "components": [
            f"{name}: {component.uses}, {_files(resolved.components[name])}"
            for name, component in definition.components.items()
        ],
        "endpoints": [
            f"{name}: {each.scheme}, port {each.port} of {each.role}" for name, each in definition.endpoints.items()
        ],
        "requires": [f"{name} {versions}" for name, versions in definition.requires.items()],
        "smoke tests": [test.name for test in definition.smoke_tests],
    }
    for title, lines in sections.items():
        yield from [title, *(f"  {line}" for line in lines)] if lines else []


def _files(packed: PackedFiles) -> str:
    return f"{len(packed.files)} files" + (f", {len(packed.apart)} Python packages" if packed.apart else "")


def _origin(option: ConfigOption) -> str:
    if option.secret:
        return f"secret, {'made up per domain' if option.generate else 'given by each domain'}"
    return f"{option.type}, {'required' if option.default is None else f'default {option.default}'}"


def _role(role: str, artifact: Artifact) -> str:
    node = artifact.definition.nodes[role]
    after = f", after {', '.join(node.after)}" if node.after else ""
    disk = f", disk {node.disk.size} on {node.disk.mount}" if node.disk else ""
    count = f"{node.count.default} of {node.count.minimum} to {node.count.maximum}"
    packages = len(artifact.resolved.roles_packages.get(role, ()))
    return f"{role}: {', '.join(node.components)}; {count} nodes, {packages} packages{disk}{after}"

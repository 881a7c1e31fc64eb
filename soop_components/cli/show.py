"""``soop show``: shows what an artifact holds."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from soop_components.artifact.store import Artifact, Store
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
    yield from _configuration(artifact)
    yield "roles"
    for role, node in definition.nodes.items():
        after = f", after {', '.join(node.after)}" if node.after else ""
        disk = f", disk {node.disk.size} on {node.disk.mount}" if node.disk else ""
        count = f"{node.count.default} of {node.count.minimum} to {node.count.maximum}"
        packages = len(resolved.roles_packages.get(role, ()))
        yield f"  {role}: {', '.join(node.components)}; {count} nodes, {packages} packages{disk}{after}"
    yield "components"
    for name, component in definition.components.items():
        yield f"  {name}: {component.uses}, {len(resolved.components[name].files)} files"
    if definition.endpoints:
        yield "endpoints"
    for name, endpoint in definition.endpoints.items():
        yield f"  {name}: port {endpoint.port} of {endpoint.role}"
    if definition.requires:
        yield "requires"
    for name, versions in definition.requires.items():
        yield f"  {name} {versions}"
    if definition.smoke_tests:
        yield "smoke tests"
    for test in definition.smoke_tests:
        yield f"  {test.name}"


def _configuration(artifact: Artifact) -> Iterator[str]:
    options = artifact.definition.config
    if options:
        yield "configuration"
    for key, option in options.items():
        if option.secret:
            origin = "made up per domain" if option.generate else "given by each domain"
            yield f"  {key}: secret, {origin}"
        else:
            default = "required" if option.default is None else f"default {option.default}"
            yield f"  {key}: {option.type}, {default}"

"""Words for what an update would do: a summary first, then the details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from soop_components.machines import WITH_DATA
from soop_components.preview.facts import (
    Changes,
    DomainPreview,
    Loss,
    MigrationChange,
    NodeAction,
    NodeChange,
    PackageChange,
    ResourceAction,
    ResourceChange,
    RoleChange,
    ServicePreview,
)
from soop_components.preview.order import order_in_words
from soop_components.preview.resources import GROUP
from soop_components.preview.wording import MOST_NAMED, listed, one_line, short

_NODE_WORDS: Mapping[NodeAction, str] = {
    "create": "new",
    "replace": "gets a new machine, and is configured anew",
    "configure": "configured",
    "repair": "repaired",
    "record": "no change but the name of the version",
    "remove": "removed",
    "none": "not touched",
}
_COUNTED: Mapping[NodeAction, str] = {
    **_NODE_WORDS,
    "replace": "on a new machine",
    "record": "with no change but the name of the version",
}
_RESOURCE_WORDS: Mapping[ResourceAction, str] = {
    "create": "made",
    "replace": "made anew",
    "update": "changed",
    "delete": "deleted",
}


@dataclass(frozen=True)
class Section:
    """A heading and the lines below it."""

    heading: str
    lines: tuple[str, ...]


def as_text(preview: DomainPreview) -> str:
    """Return summary and details for a terminal."""
    lines = list(summary(preview))
    for section in sections(preview):
        lines += ["", section.heading, *(f"  {line}" for line in section.lines)]
    return "\n".join(lines)


def summary(preview: DomainPreview) -> list[str]:
    """Return the most important lines: what happens with each service, what cannot be undone, what is wrong."""
    if not preview.changes:
        return [f"{preview.domain}: no changes", *preview.warnings]
    lines = [f"{preview.domain}: what an update would do"]
    lines += [service_in_words(service) for service in preview.services]
    lines += [f"{listed(group)}: accepted as one, or rolled back as one" for group in _acting(preview)]
    lines += [f"REFUSED: {service.refused}" for service in preview.services if service.refused]
    lines += [f"{service.service}: snapshots first, of {listed(nodes)}" for service, nodes in _snapshots(preview)]
    notes = [note for service in preview.services for note in service.notes]
    lines += notes
    lines += [f"CANNOT BE UNDONE: {loss_in_words(loss)}" for loss in preview.losses]
    return [*lines, *(f"warning: {warning}" for warning in preview.warnings if warning not in notes)]


def _acting(preview: DomainPreview) -> Iterator[Sequence[str]]:
    """Yield the groups of services of which something changes."""
    changing = {service.service for service in preview.services if service.action != "none"}
    yield from (group for group in preview.together if changing & set(group))


def _snapshots(preview: DomainPreview) -> Iterator[tuple[ServicePreview, Sequence[str]]]:
    """Yield the services of which snapshots are taken, and the nodes whose disks these are of."""
    for service in preview.services:
        steps = (step for lanes in service.steps for lane in lanes for step in lane if step.kind == "snapshot")
        if nodes := [short(node) for step in steps for node in step.nodes]:
            yield service, nodes


def sections(preview: DomainPreview) -> Iterator[Section]:
    """Yield the details: of each service its nodes, the order and what changes; then machines and disks."""
    for service in preview.services:
        if service.action == "none":
            continue
        if nodes := tuple(node_lines(service.nodes)):
            yield Section(f"{service.service}: nodes", nodes)
        if service.steps:
            yield Section(f"{service.service}: order", tuple(order_in_words(service)))
        for role in service.roles:
            yield Section(f"{service.service}: what changes on nodes of the role {role.role}", tuple(_role(role)))
        if service.migrations:
            yield Section(f"{service.service}: migrations", tuple(map(_migration, service.migrations)))
        if service.secrets:
            yield Section(f"{service.service}: secrets that change", (listed(service.secrets),))
    if preview.resources:
        yield Section("machines, disks and other resources", tuple(_resources(preview)))


def service_in_words(service: ServicePreview) -> str:
    """Say in one line what happens with a service."""
    before = service.before.version if service.before else ""
    after = service.after.version if service.after else ""
    counted = Counter(node.action for node in service.nodes)
    nodes = ", ".join(f"{count} {_COUNTED[action]}" for action, count in sorted(counted.items()))
    nodes = f"; nodes: {nodes}" if nodes else ""
    match service.action:
        case "create":
            return f"{service.service} {after} is new{nodes}"
        case "upgrade" | "downgrade":
            return f"{service.service} {before} -> {after}, {service.action}{nodes}"
        case "change" if counted.keys() == {"none"}:
            return (
                f"{service.service} {after}: its nodes stay as they are; smoke tests or settings of the rollout change"
            )
        case "change":
            return f"{service.service} {after}: same version, other content or settings{nodes}"
        case "repair":
            return f"{service.service} {after}: drift is repaired{nodes}"
        case "remove":
            return f"{service.service} {before} is removed{nodes}"
        case "none":
            return f"{service.service} {after}: no changes"
        case _:
            assert_never(service.action)


def loss_in_words(loss: Loss) -> str:
    """Say what cannot be undone."""
    return f"the disk of {loss.subject} is deleted with its data by --with-data or {WITH_DATA}=1; else the update fails"


def node_lines(nodes: Sequence[NodeChange]) -> Iterator[str]:
    """Yield a line per node; nodes with which the same happens share one."""
    same: dict[str, list[str]] = {}
    for node in nodes:
        if node.action != "none":
            same.setdefault(node_in_words(node), []).append(short(node.node))
    for words, names in same.items():
        yield f"{listed(names)}: {words}"


def node_in_words(node: NodeChange) -> str:
    """Say what happens with a node."""
    verbs = {"starts": node.starts, "restarts": node.restarts, "reloads": node.reloads, "stops": node.stops}
    base = f"; base image {node.base}" if node.base else ""
    parts = [_NODE_WORDS[node.action] + base, *(f"{verb} {listed(units)}" for verb, units in verbs.items() if units)]
    if node.action == "configure" and not any(verbs.values()):
        parts.append("no unit restarts")
    return "; ".join([*parts, *(f"drift: {one_line(drift)}" for drift in node.drift[:MOST_NAMED])])


def _role(role: RoleChange) -> Iterator[str]:
    for verb, packages in _packages(role.packages).items():
        if packages:
            yield f"packages {verb}: {len(packages)}: {listed(packages)}"
    parts: Mapping[str, Changes] = {"files": role.files, "units": role.units, "debconf answers": role.debconf}
    for kind, changes in parts.items():
        for verb, names in (("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)):
            if names:
                yield f"{kind} {verb}: {len(names)}: {listed(names)}"
    if role.scripts:
        yield f"scripts that run: {listed(role.scripts)}"


def _migration(change: MigrationChange) -> str:
    directions = {"up": "runs", "down": "is undone", "stays": "stays; the older program runs on its result"}
    return f"{change.role}: {change.component}: {change.migration} ({change.kind}) {directions[change.direction]}"


def _packages(changes: Iterable[PackageChange]) -> Mapping[str, Sequence[str]]:
    """Return the packages by what happens with them, with their versions."""
    found: dict[str, list[str]] = {"added": [], "changed": [], "removed": []}
    for each in changes:
        verb = "changed" if each.before and each.after else "added" if each.after else "removed"
        found[verb].append(" ".join([each.name, " -> ".join(filter(None, (each.before, each.after)))]))
    return found


def _resources(preview: DomainPreview) -> Iterator[str]:
    same: dict[str, list[str]] = {}
    for each in preview.resources:
        same.setdefault(resource_in_words(each), []).append(each.name)
    for words, names in same.items():
        yield f"{words}: {listed(names)}"


def resource_in_words(change: ResourceChange) -> str:
    """Say what the engine does with a resource."""
    kind = "group of services" if change.type == GROUP else change.type.rsplit(":", 1)[-1].lower()
    because = f" ({listed(change.because)})" if change.because else ""
    return f"{kind} {_RESOURCE_WORDS[change.action]}{because}"

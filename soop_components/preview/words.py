"""Words for what an update would do: a summary first, then the details."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, assert_never

from soop_components.errors import printable
from soop_components.model.names import NodeName
from soop_components.preview.facts import (
    Changes,
    DomainPreview,
    Loss,
    NodeAction,
    NodeChange,
    PackageChange,
    ResourceAction,
    ResourceChange,
    RoleChange,
    ServicePreview,
    StepFact,
)

_T = TypeVar("_T")
_NAMED = 12
"""Names in one line; of more, the others are counted."""
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
    "create": "new",
    "replace": "on a new machine",
    "configure": "configured",
    "repair": "repaired",
    "record": "with no change but the name of the version",
    "remove": "removed",
    "none": "not touched",
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
    lines += [f"CANNOT BE UNDONE: {loss_in_words(loss)}" for loss in preview.losses]
    return [*lines, *(f"warning: {warning}" for warning in preview.warnings)]


def sections(preview: DomainPreview) -> Iterator[Section]:
    """Yield the details: of each service its nodes, the order and what changes; then machines and disks."""
    for service in preview.services:
        if service.action == "none":
            continue
        yield Section(f"{service.service}: nodes", tuple(_node_lines(service.nodes)))
        if service.steps:
            yield Section(f"{service.service}: order", tuple(_order(service)))
        for role in service.roles:
            yield Section(f"{service.service}: what changes on nodes of the role {role.role}", tuple(_role(role)))
        if service.secrets:
            yield Section(f"{service.service}: secrets that change", (_names(service.secrets),))
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
    return f"the disk of {loss.subject} is deleted with its data"


def step_in_words(step: StepFact) -> str:
    """Say what a step does."""
    names = _names([_short(node) for node in step.nodes])
    match step.kind:
        case "hosts":
            return "tell all nodes the names of all nodes"
        case "send":
            return f"send to {names} what they lack"
        case "snapshot" | "restore":
            return f"{step.kind} {names}: {step.label}"
        case "configure":
            return f"configure {names}" + (" at once" if len(step.nodes) > 1 else "")
        case "hook":
            return f"{step.hook} {names}"
        case "watch" | "pause":
            return f"{step.kind} for {step.seconds} s"
        case "smoke_tests":
            return "smoke tests"
        case "accept":
            return "accept on all nodes; if anything fails before, all are rolled back"
        case _:
            assert_never(step.kind)


def _node_lines(nodes: Sequence[NodeChange]) -> Iterator[str]:
    """Yield a line per node; nodes with which the same happens share one."""
    same: dict[str, list[str]] = {}
    for node in nodes:
        if node.action != "none":
            same.setdefault(node_in_words(node), []).append(_short(node.node))
    for words, names in same.items():
        yield f"{_names(names)}: {words}"


def node_in_words(node: NodeChange) -> str:
    """Say what happens with a node."""
    verbs = {"starts": node.starts, "restarts": node.restarts, "reloads": node.reloads, "stops": node.stops}
    parts = [_NODE_WORDS[node.action], *(f"{verb} {_names(units)}" for verb, units in verbs.items() if units)]
    if node.action == "configure" and not any(verbs.values()):
        parts.append("no unit restarts")
    return "; ".join([*parts, *(f"drift: {one_line(drift)}" for drift in node.drift[:_NAMED])])


def _order(service: ServicePreview) -> Iterator[str]:
    tests = f"{len(service.smoke_tests)} smoke tests: {_names(service.smoke_tests)}"
    for number, lanes in enumerate(service.steps, 1):
        for index, lane in enumerate(lanes):
            head = f"{number}." if index == 0 else " " * len(f"{number}.")
            words = ", ".join(tests if step.kind == "smoke_tests" else step_in_words(step) for step in lane)
            yield f"{head} {words}" + (" (meanwhile:)" if index + 1 < len(lanes) else "")


def _role(role: RoleChange) -> Iterator[str]:
    if role.packages:
        yield f"packages: {_some(role.packages, _package)}"
    parts: Mapping[str, Changes] = {"files": role.files, "units": role.units}
    for kind, changes in parts.items():
        for verb, names in (("added", changes.added), ("changed", changes.changed), ("removed", changes.removed)):
            if names:
                yield f"{kind} {verb}: {len(names)}: {_names(names)}"
    if role.scripts:
        yield f"scripts that run: {_names(role.scripts)}"


def _package(package: PackageChange) -> str:
    if package.before and package.after:
        return f"{package.name} {package.before} -> {package.after}"
    return f"{package.name} {package.after} is new" if package.after else f"{package.name} is removed"


def _resources(preview: DomainPreview) -> Iterator[str]:
    same: dict[str, list[str]] = {}
    for each in preview.resources:
        same.setdefault(resource_in_words(each), []).append(each.name)
    for words, names in same.items():
        yield f"{words}: {_names(names)}"


def resource_in_words(change: ResourceChange) -> str:
    """Say what the engine does with a resource."""
    kind = change.type.rsplit(":", 1)[-1].lower()
    because = f" ({_names(change.because)})" if change.because else ""
    return f"{kind} {_RESOURCE_WORDS[change.action]}{because}"


def _names(names: Sequence[str]) -> str:
    return _some(names, str)


def _some(things: Sequence[_T], words: Callable[[_T], str]) -> str:
    more = f" and {len(things) - _NAMED} more" if len(things) > _NAMED else ""
    return ", ".join(map(words, things[:_NAMED])) + more


def _short(node: str) -> str:
    return NodeName.parse(node).short


def one_line(text: str) -> str:
    """Return the first line of a text, harmless to a terminal."""
    return printable(text.partition("\n")[0])

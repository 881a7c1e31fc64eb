"""What the engine's own preview says of a resource, and what it means for machines and disks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from soop_components.machines.kinds import all_kinds
from soop_components.preview.facts import Loss, ResourceAction, ResourceChange

RELEASE = "soop:index:Release"
GROUP = "soop:index:ReleaseGroup"
_ACTIONS: Mapping[str, ResourceAction] = {
    "create": "create",
    "update": "update",
    "delete": "delete",
    "replace": "replace",
    "create-replacement": "replace",
    "delete-replaced": "replace",
}


@dataclass(frozen=True)
class ResourceStep:
    """A step of the engine's preview; values of secrets are not among the properties."""

    operation: str
    """``refresh``, ``same``, ``create``, ``update``, ``replace``, ``delete`` and others."""
    type: str
    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """What it was last given."""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    """What it is, as a refresh has found it."""
    wanted: Mapping[str, Any] = field(default_factory=dict)
    """What it would be given; unknown values are texts of the engine."""
    changed: tuple[str, ...] = ()
    """Paths of the properties that differ."""


def resource_changes(steps: Iterable[ResourceStep]) -> Iterator[ResourceChange]:
    """Yield what changes besides releases and components; a replacement, of which the engine makes steps, once."""
    found: dict[tuple[str, str], ResourceChange] = {}
    for step in steps:
        action = _ACTIONS.get(step.operation)
        if action is None or step.type == RELEASE or not _is_real(step.type):
            continue
        if step.type == GROUP and action == "update":  # what its releases say
            continue
        key = step.type, step.name
        if key not in found or action == "replace":
            found[key] = ResourceChange(type=step.type, name=step.name, action=action, because=step.changed)
    yield from found.values()


def losses_of(changes: Iterable[ResourceChange]) -> Iterator[Loss]:
    """Yield the disks that are deleted with their data."""
    kinds = list(all_kinds())
    for change in changes:
        is_disk = any(kind.is_disk(change.type, change.name) for kind in kinds)
        if is_disk and change.action in ("delete", "replace"):
            yield Loss(kind="disk", subject=change.name)


def _is_real(type: str) -> bool:
    """Return whether something exists for it: not for the stack, providers and our components."""
    return not type.startswith("pulumi:") and type not in _COMPONENTS


_COMPONENTS = {"soop:index:Domain", "soop:index:Service", "soop:index:Node"}

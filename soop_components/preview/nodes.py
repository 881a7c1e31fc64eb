"""What an update would do with each node of a service."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from soop_components.preview.facts import NodeAction, NodeChange, RoleChange
from soop_components.preview.roles import UnitChanges, holds, role_change, unit_changes
from soop_components.release.inputs import ReleaseInputs, ReleaseNode


@dataclass(frozen=True)
class Found:
    """What is known of a service besides its inputs."""

    drift: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """How nodes differ from what was accepted, in words."""
    new_machines: Collection[str] = ()
    """Nodes whose machine would be made, or made anew."""
    asked: Collection[str] = ()
    """Nodes whose machine is to be replaced."""
    secrets: Collection[str] = ()
    """Names of the secrets that have other values."""


@dataclass(frozen=True)
class _Difference:
    """How two plans of a role differ, of which a thousand nodes may have the same."""

    configures: bool
    """Whether anything changes on its nodes."""
    on_first: UnitChanges
    elsewhere: UnitChanges


def rebuilt(before: ReleaseInputs | None, after: ReleaseInputs, found: Found) -> Collection[str]:
    """Return the nodes that serve and get a new machine in their turn: with another base, all that are there."""
    there = {name for name in after.nodes if before and name in before.nodes} - set(found.new_machines)
    return there if before and before.base != after.base else there & set(found.asked)


def node_changes(before: ReleaseInputs | None, after: ReleaseInputs, found: Found) -> Iterator[NodeChange]:
    """Yield what happens with each node, those that go included."""
    old = before.nodes if before else {}
    replaced = {*found.new_machines, *rebuilt(before, after, found)}
    differences = dict(_differences(before, after, found)) if before else {}
    for name, node in after.nodes.items():
        if before is None or name not in old or old[name].role != node.role:
            yield NodeChange(node=name, role=node.role, action="create")
        elif name in replaced:
            yield NodeChange(node=name, role=node.role, action="replace", base=after.base)
        else:
            yield _changed(name, node, _action(before, after, name, found, differences), found, differences[node.role])
    for name, node in old.items():
        if name not in after.nodes:
            yield NodeChange(node=name, role=node.role, action="remove")


def _changed(name: str, node: ReleaseNode, action: NodeAction, found: Found, difference: _Difference) -> NodeChange:
    units = difference.on_first if node.number == 1 else difference.elsewhere
    return NodeChange(
        node=name,
        role=node.role,
        action=action,
        starts=units.starts,
        restarts=units.restarts,
        reloads=units.reloads,
        stops=units.stops,
        drift=found.drift.get(name, ()),
    )


def _action(
    before: ReleaseInputs, after: ReleaseInputs, name: str, found: Found, differences: Mapping[str, _Difference]
) -> NodeAction:
    if differences[after.nodes[name].role].configures:
        return "configure"
    if found.drift.get(name):
        return "repair"
    old, new = ((inputs.reference, inputs.digest, inputs.nodes[name].number) for inputs in (before, after))
    return "record" if old != new else "none"


def _differences(before: ReleaseInputs, after: ReleaseInputs, found: Found) -> Iterator[tuple[str, _Difference]]:
    """Yield how the plans of each role differ."""
    for role in before.roles.keys() & {node.role for node in after.nodes.values()}:
        old, new = before.roles[role], after.roles[role]
        on_first, elsewhere = (unit_changes(old, new, found.secrets, is_first) for is_first in (True, False))
        differs = (
            before.plans[role] != after.plans[role]
            or holds(new, found.secrets)
            or role_change(role, old, new, found.secrets) != RoleChange(role=role)
        )
        yield role, _Difference(differs, on_first, elsewhere)

"""What an update would do with one service: of what is and what is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from soop_components.model.names import NodeName
from soop_components.model.plan import RolePlan
from soop_components.model.versions import version_key
from soop_components.preview.facts import Artifact, NodeAction, NodeChange, RoleChange, ServiceAction, ServicePreview
from soop_components.preview.migrations import migration_changes, way_back
from soop_components.preview.roles import UnitChanges, holds, role_change, unit_changes
from soop_components.preview.steps import steps_of
from soop_components.release.inputs import ReleaseInputs


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


def service_preview(
    before: ReleaseInputs | None, after: ReleaseInputs | None, found: Found | None = None
) -> ServicePreview:
    """Compare what was accepted last with what is wanted; None where there is no such service."""
    found = found or Found()
    if after is None:
        return _removed(before)
    nodes = tuple(sorted(_node_changes(before, after, found), key=lambda change: NodeName.parse(change.node)))
    changing = {node.node for node in nodes if node.action not in ("none", "remove")}
    leaving = [node.node for node in nodes if node.action == "remove"]
    others = before is None or _around(before) != _around(after)
    serving = (before.nodes.keys() if before else set()) - set(found.new_machines)
    goodbye = sorted((name for name in leaving if before and before.hook(name, "leave")), reverse=True)
    acts = bool(changing or leaving or others)
    going, refused, notes = way_back(before, after)
    rebuilds = rebuilt(before, after, found)
    return ServicePreview(
        service=after.reference.service,
        action=_action(before, after, nodes) if acts else "none",
        before=_artifact(before) if before else None,
        after=_artifact(after),
        nodes=nodes,
        roles=tuple(_role_changes(before, after, found)),
        migrations=tuple(migration_changes(before, after, going)),
        refused=refused,
        notes=notes,
        secrets=tuple(sorted(found.secrets)),
        smoke_tests=tuple(test.name for test in after.smoke_tests),
        steps=steps_of(after, serving, changing, goodbye, before, rebuilds, going) if acts else (),
    )


def _removed(before: ReleaseInputs | None) -> ServicePreview:
    if before is None:
        raise ValueError("neither before nor after")
    nodes = [NodeChange(node=name, role=node.role, action="remove") for name, node in before.nodes.items()]
    return ServicePreview(
        service=before.reference.service, action="remove", before=_artifact(before), nodes=tuple(nodes)
    )


def _artifact(inputs: ReleaseInputs) -> Artifact:
    return Artifact(version=inputs.reference.version, digest=inputs.digest)


def _around(inputs: ReleaseInputs) -> object:
    """Return what a release does besides configuring nodes: names of nodes it knows, tests, and order."""
    return inputs.hosts.keys(), inputs.smoke_tests, inputs.endpoints, inputs.roles


def _action(before: ReleaseInputs | None, after: ReleaseInputs, nodes: Collection[NodeChange]) -> ServiceAction:
    if before is None:
        return "create"
    old, new = (version_key(inputs.reference.version) for inputs in (before, after))
    if old != new:
        return "upgrade" if old < new else "downgrade"
    repairs = all(node.action in ("none", "repair", "replace") for node in nodes)
    return "repair" if repairs and before.digest == after.digest and _around(before) == _around(after) else "change"


def _role_changes(before: ReleaseInputs | None, after: ReleaseInputs, found: Found) -> Iterator[RoleChange]:
    for role, plan in after.roles.items():
        old = before.roles.get(role) if before else None
        change = role_change(role, old or RolePlan(), plan, found.secrets)
        if change != RoleChange(role=role):
            yield change


def rebuilt(before: ReleaseInputs | None, after: ReleaseInputs, found: Found) -> Collection[str]:
    """Return the nodes that serve and get a new machine in their turn: with another base, all that are there."""
    there = {name for name in after.nodes if before and name in before.nodes} - set(found.new_machines)
    return there if before and before.base != after.base else there & set(found.asked)


def _node_changes(before: ReleaseInputs | None, after: ReleaseInputs, found: Found) -> Iterator[NodeChange]:
    for name, node in after.nodes.items():
        was = before.nodes.get(name) if before else None
        drift = found.drift.get(name, ())
        if before is None or was is None or was.role != node.role:
            yield NodeChange(node=name, role=node.role, action="create")
            continue
        if name in found.new_machines or name in rebuilt(before, after, found):
            yield NodeChange(node=name, role=node.role, action="replace", base=after.base)
            continue
        old, new = before.roles[was.role], after.roles[node.role]
        units = unit_changes(old, new, found.secrets, node.number == 1)
        yield NodeChange(
            node=name,
            role=node.role,
            action=_node_action(before, after, name, found, units),
            starts=units.starts,
            restarts=units.restarts,
            reloads=units.reloads,
            stops=units.stops,
            drift=drift,
        )
    gone = [(name, node) for name, node in before.nodes.items() if name not in after.nodes] if before else []
    for name, node in gone:
        yield NodeChange(node=name, role=node.role, action="remove")


def _node_action(
    before: ReleaseInputs, after: ReleaseInputs, name: str, found: Found, units: UnitChanges
) -> NodeAction:
    role = after.nodes[name].role
    if role_change(role, before.roles[role], after.roles[role], found.secrets) != RoleChange(role=role):
        return "configure"
    if units != UnitChanges() or holds(after.roles[role], found.secrets):
        return "configure"
    old, new = (inputs.documents[name] for inputs in (before, after))
    if old["plan"] != new["plan"]:
        return "configure"
    if found.drift.get(name):
        return "repair"
    return "record" if old["plan_digest"] != new["plan_digest"] else "none"

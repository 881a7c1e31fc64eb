"""What an update would do with one service: of what is and what is wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from soop_components.model.names import NodeName
from soop_components.model.plan import RolePlan
from soop_components.model.versions import version_key
from soop_components.preview.facts import Artifact, NodeChange, RoleChange, ServiceAction, ServicePreview
from soop_components.preview.migrations import migration_changes, way_back
from soop_components.preview.nodes import Found, node_changes, rebuilt
from soop_components.preview.roles import role_change
from soop_components.preview.steps import steps_of
from soop_components.release.inputs import ReleaseInputs


def service_preview(
    before: ReleaseInputs | None, after: ReleaseInputs | None, found: Found | None = None
) -> ServicePreview:
    """Compare what was accepted last with what is wanted; None where there is no such service."""
    found = found or Found()
    if after is None:
        return _removed(before)
    nodes = tuple(sorted(node_changes(before, after, found), key=lambda change: NodeName.parse(change.node)))
    changing = {node.node for node in nodes if node.action not in ("none", "remove")}
    leaving = [node.node for node in nodes if node.action == "remove"]
    others = before is None or _around(before) != _around(after)
    serving = (before.nodes.keys() if before else set()) - set(found.new_machines)
    goodbye = before.nodes_that_leave(after) if before else []
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

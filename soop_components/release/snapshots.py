"""Which disks an update takes snapshots of, and what these are called; decided before anything is changed."""

from __future__ import annotations

from soop_components.model.names import Reference
from soop_components.release.inputs import ReleaseInputs


def label_before(before: Reference, after: Reference) -> str:
    """Return what a snapshot is called that is taken before an update: ``access-service-3.3.0.before-3.4.0``."""
    return f"{before}.before-{after.version if before != after else 'changes'}"


def snapshot_of(before: ReleaseInputs | None, after: ReleaseInputs, node: str) -> str | None:
    """Return the label of the snapshot that a node's disk gets before its plan changes; None if it gets none."""
    if before is None or node not in before.nodes or node not in after.nodes:
        return None
    role = after.roles[after.nodes[node].role]
    if role.disk is None or not role.rollout.snapshot:
        return None
    if before.documents[node]["plan"] == after.documents[node]["plan"]:
        return None
    return label_before(before.reference, after.reference)

"""Which disks an update takes snapshots of, and what these are called; decided before anything is changed."""

from __future__ import annotations

from collections.abc import Iterable

from soop_components.errors import SoopError
from soop_components.machines.snapshots import Snapshot
from soop_components.model.names import Reference
from soop_components.release.downgrade import Downgrade
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.moves import moved_roles

_BEFORE = ".before-"


def label_before(before: Reference, after: Reference) -> str:
    """Return what a snapshot is called that is taken before an update: ``access-service-3.3.0.before-3.4.0``."""
    return f"{before}{_BEFORE}{after.version if before != after else 'changes'}"


def newest_before(reference: Reference, digest: str, snapshots: Iterable[Snapshot]) -> dict[str, Snapshot]:
    """Return by node the newest snapshot that an update has taken while a version ran."""
    taken = (each for each in snapshots if each.label.startswith(f"{reference}{_BEFORE}"))
    return _newest(reference, digest, taken)


def newest_of(release: ReleaseInputs, nodes: Iterable[str], snapshots: Iterable[Snapshot]) -> dict[str, Snapshot]:
    """Return by node the newest snapshot that was taken while a release ran; ``SoopError`` if a node has none."""
    found = _newest(release.reference, release.digest, snapshots)
    lacking = [name for name in nodes if name not in found]
    if lacking:
        hint = "`soop snapshot list` shows those that there are"
        raise SoopError(f"there is no snapshot of {lacking[0]} from when {release.reference} ran", hint)
    return {name: found[name] for name in nodes}


def _newest(reference: Reference, digest: str, snapshots: Iterable[Snapshot]) -> dict[str, Snapshot]:
    """Return by node the newest that was taken while a version ran."""
    ran = str(reference), digest
    return {
        each.node: each for each in sorted(snapshots, key=lambda each: each.moment) if (each.of, each.digest) == ran
    }


def snapshot_of(
    before: ReleaseInputs | None, after: ReleaseInputs, node: str, going: Downgrade | None = None
) -> str | None:
    """Return the label of the snapshot that a node's disk gets before its plan changes; None if it gets none.

    One on which an older snapshot is put, or whose data moves, always gets one, for the rollback.
    """
    if before is None or node not in before.nodes or node not in after.nodes:
        return None
    name = after.nodes[node].role
    role = after.roles[name]
    if going is not None and name in going.restored:
        return label_before(before.reference, after.reference)
    if name in moved_roles(before, after):
        return label_before(before.reference, after.reference)
    if role.disk is None or not role.rollout.snapshot:
        return None
    if before.documents[node]["plan"] == after.documents[node]["plan"]:
        return None
    return label_before(before.reference, after.reference)

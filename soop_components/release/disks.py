"""What a rollout does with the disks of its nodes: snapshots before they change, and restored ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import assert_never

from soop_components.errors import SoopError
from soop_components.machines.snapshots import Snapshot, Snapshots
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.snapshots import newest_before, newest_of
from soop_components.release.steps import DiskStep, RestoreSnapshot, TakeSnapshot
from soop_components.waiting import wait_for_all

_PATIENCE = 300.0
"""Seconds until a machine answers that was started again: a virtual one boots."""


class Disks:
    """The disks of one service during one rollout.

    ``restores`` are the labels of snapshots that are put on disks, by node, before these nodes are configured.
    """

    def __init__(self, snapshots: Snapshots | None = None, restores: Mapping[str, str] | None = None) -> None:
        self._snapshots = snapshots
        self.restores = restores or {}
        self._bound_to_disk: Collection[str] = ()
        self._labels: Mapping[str, str] = {}
        self._found: Sequence[Snapshot] = ()
        self._before: dict[str, str] = {}
        """By node the label of the snapshot of what its last good version left, as soon as there is one."""
        self._restored: set[str] = set()

    def bind(self, nodes: Collection[str]) -> None:
        """Note nodes whose last good version can only run on what their disk had before the rollout.

        A rollback restores that where there is a snapshot of it.
        """
        self._bound_to_disk = nodes

    async def go_back(self, release: ReleaseInputs, nodes: Collection[str]) -> None:
        """Restore on these nodes what was there when a release ran last; ``SoopError`` without a snapshot of it."""
        found = newest_of(release, nodes, await self._known.all())
        self.restores = {**self.restores, **{name: snapshot.label for name, snapshot in found.items()}}

    async def look(self, labels: Mapping[str, str]) -> None:
        """See which snapshots there are: of those that are to be restored, all; ``labels`` are those of the rollout."""
        self._labels = labels
        if not labels and not self.restores:
            return
        self._found = await self._known.all()
        for node, label in self.restores.items():
            if not self._exists(node, label):
                raise SoopError(f"{node} has no snapshot {label}", "`soop snapshot list` shows those that there are")

    def _exists(self, node: str, label: str) -> bool:
        return any((each.node, each.label) == (node, label) for each in self._found)

    def count_on_earlier(self, good_since: Mapping[str, float], ran: ReleaseInputs | None) -> None:
        """Let a rollback use what an earlier attempt has kept of nodes that it has begun to change, whatever it was to.

        ``ran`` is what they ran until then, and had been accepted or rolled back to last at these times. What was kept
        before is too old, and so is all that was kept of a node that this rollout is the first to change.
        """
        newest = newest_before(ran.reference, ran.digest, self._found) if ran else {}
        self._before |= {
            node: found.label
            for node, found in newest.items()
            if node in self._labels and node in good_since and found.moment.timestamp() >= good_since[node]
        }

    def label(self, node: str, is_other: bool) -> str | None:
        """Return what a snapshot of a node's disk is called, if the rollout takes one.

        ``is_other`` says that the disk is not the one on which its version ran. If it is to be restored, an attempt
        that was killed has restored it, and what that kept for the way back is not replaced, but used.
        """
        label = self._labels.get(node)
        if is_other and label and node in self.restores and self._exists(node, label):
            self._before[node] = label
            return None
        return label

    async def check(self, nodes: Collection[str]) -> None:
        """Raise ``SoopError`` if there is no room for the snapshots of these nodes."""
        for label in sorted({self._labels[node] for node in nodes}):
            await self._known.check([node for node in nodes if self._labels[node] == label], label, self.restores)

    async def carry_out(self, step: DiskStep, nodes: Mapping[str, Node], ran: ReleaseInputs | None) -> None:
        """Carry out a step of the rollout; ``ran`` is what the nodes run."""
        match step:
            case TakeSnapshot(names, label):
                await wait_for_all(self._take(nodes[name], label, ran) for name in names)
            case RestoreSnapshot(names, label):
                await wait_for_all(self.restore(nodes[name], label) for name in names)
            case _:
                assert_never(step)

    async def _take(self, node: Node, label: str, ran: ReleaseInputs | None) -> None:
        await node.progress.show(f"taking snapshot {label}")
        of, digest = (str(ran.reference), ran.digest) if ran else ("", "")
        await self._known.take(node.name, label, of, digest, spare=self.restores.get(node.name))
        self._before[node.name] = label

    async def restore(self, node: Node, label: str) -> None:
        """Put a snapshot on a node's disk, and connect to its machine again, which was stopped for that."""
        await node.progress.show(f"restoring snapshot {label}")
        self._restored.add(node.name)
        await self._known.restore(node.name, label)
        await node.status(_PATIENCE)

    def restores_in_rollback(self, nodes: Collection[str]) -> dict[str, str]:
        """Return the labels of snapshots that the rollback of some nodes needs."""
        needed = self._before.keys() & {*self._bound_to_disk, *self._restored}
        return {node: self._before[node] for node in nodes if node in needed}

    @property
    def _known(self) -> Snapshots:
        if self._snapshots is None:
            raise SoopError("this service has no disks")
        return self._snapshots

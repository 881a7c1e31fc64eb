"""Snapshots of disks: taken, bounded, restored and removed, whatever kind the machines are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from soop_components.errors import SoopError
from soop_components.machines import Operations
from soop_components.model.environment import SnapshotSettings
from soop_components.model.size import bytes_of, size_text

LABEL = re.compile(r"[a-z0-9](?:[A-Za-z0-9.+-]{0,198}[A-Za-z0-9])?")
"""What a snapshot may be called."""


@dataclass(frozen=True)
class Snapshot:
    """What was on a node's disk at one moment."""

    node: str
    label: str
    taken: str
    """Time, ISO 8601 with its zone."""
    size: int
    """Bytes that it takes."""
    of: str
    """What ran on the node, ``access-service-3.2.3``; empty if nothing did."""
    digest: str
    """Of that service definition."""

    @property
    def moment(self) -> datetime:
        """When it was taken."""
        return datetime.fromisoformat(self.taken)


def beyond(snapshots: Iterable[Snapshot], keep: int) -> list[Snapshot]:
    """Return those that are not among the newest ``keep`` of their node, the oldest first."""
    by_node: dict[str, list[Snapshot]] = {}
    for each in sorted(snapshots, key=lambda each: (each.moment, each.label)):
        by_node.setdefault(each.node, []).append(each)
    return [each for of_node in by_node.values() for each in of_node[: max(0, len(of_node) - keep)]]


def lack_of_room(environment: str, snapshots: Sequence[Snapshot], needed: int, bounds: SnapshotSettings) -> str | None:
    """Say why there is no room for more snapshots of so many bytes, those that stay counted; None if there is."""
    taken = sum(each.size for each in snapshots)
    if taken + needed <= bytes_of(bounds.size):
        return None
    return (
        f"snapshots of the environment {environment} would take {size_text(taken + needed)} and may take {bounds.size}"
    )


class Snapshots:
    """The snapshots of one environment, within its bounds."""

    def __init__(self, operations: Operations, environment: str, bounds: SnapshotSettings) -> None:
        self._operations = operations
        self._environment = environment
        self._bounds = bounds

    async def all(self) -> Sequence[Snapshot]:
        """Return all of them."""
        return await self._operations.snapshots(self._environment)

    async def find(self, node: str, label: str) -> Snapshot | None:
        """Return one; None if there is none."""
        return next((each for each in await self.all() if (each.node, each.label) == (node, label)), None)

    async def check(self, nodes: Sequence[str], label: str, spared: Mapping[str, str]) -> None:
        """Raise ``SoopError`` if snapshots of these nodes' disks do not fit, when what they replace is gone.

        ``spared`` are the labels that stay in any case, by node.
        """
        found = await self.all()
        needed = sum(await asyncio.gather(*map(self._operations.snapshot_size, nodes)))
        replaced = [each for each in found if each.node in nodes and each.label == label]
        rest = [each for each in found if each not in replaced]
        going = beyond((each for each in rest if each.node in nodes), self._bounds.keep - 1)
        going = [each for each in going if each.label != spared.get(each.node)]
        why = lack_of_room(self._environment, [each for each in rest if each not in going], needed, self._bounds)
        if why:
            hint = "remove some with `soop snapshot prune`, or raise `reliability: {snapshots: {size: …}}` there"
            raise SoopError(why, hint)

    async def take(self, node: str, label: str, of: str, digest: str, spare: str | None = None) -> Snapshot:
        """Take one, then remove the oldest of the node that are too many, but not the one with the label ``spare``."""
        made = await self._operations.snapshot(node, label, of, digest)
        others = [each for each in await self.all() if each.node == node and each.label != label]
        gone = beyond(others, self._bounds.keep - 1)
        await self.remove(each for each in gone if each.label != spare)
        return made

    async def restore(self, node: str, label: str) -> None:
        """Put one on the disk of its node, whose machine is stopped meanwhile and starts also where that fails."""
        await self._operations.stop(node)
        try:
            await self._operations.restore(node, label)
        finally:
            await self._operations.start(node)

    async def beyond(self, nodes: Sequence[str], keep: int) -> list[Snapshot]:
        """Return all but the newest of each of these nodes."""
        return beyond((each for each in await self.all() if each.node in nodes), keep)

    async def remove(self, snapshots: Iterable[Snapshot]) -> None:
        """Remove them."""
        for each in snapshots:
            await self._operations.remove_snapshot(each.node, each.label)

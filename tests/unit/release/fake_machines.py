"""Machines and snapshots of the nodes that exist in memory only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from soop_components.machines import Operations
from soop_components.machines.snapshots import Snapshot, Snapshots
from tests.unit.release.example import (
    DIGEST,
)

if TYPE_CHECKING:
    from tests.unit.release.fake_nodes import Nodes


class FakeSnapshots(Snapshots):
    """Snapshots of the nodes' disks, in memory: labels by node."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self.found: set[tuple[str, str]] = set()
        self.restored: list[str] = []
        self.newest = ""
        """The label of the one that was taken last."""
        self.of: Mapping[str, tuple[str, str]] = {}
        """What ran when one was taken, and its digest, by label; else what its name says."""

    async def all(self) -> Sequence[Snapshot]:
        named = {label: (label.partition(".before-")[0], DIGEST) for _, label in self.found}
        hours = {label: 11 if label == self.newest else 10 for label in named}
        return [
            Snapshot(node, label, f"2026-11-28T{hours[label]}:00:00+00:00", 1, *{**named, **self.of}[label])
            for node, label in self.found
        ]

    async def check(self, nodes: Sequence[str], label: str, spared: Mapping[str, str]) -> None:
        for node in nodes:
            self._nodes.on_call("room", node)

    async def take(self, node: str, label: str, of: str, digest: str, spare: str | None = None) -> Snapshot:
        self._nodes.on_call("snapshot", node)
        self.found.add((node, label))
        return Snapshot(node, label, "2026-11-28T10:00:00+00:00", 1, of, digest)

    async def restore(self, node: str, label: str) -> None:
        assert (node, label) in self.found
        self.restored.append(label)
        self._nodes.on_call("restore", node)


class FakeMachines(Operations):
    """Machines that can be made anew."""

    kind = "fake"

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    async def start(self, node: str) -> None:
        self._nodes.on_call("start", node)

    async def stop(self, node: str) -> None:
        self._nodes.on_call("stop", node)

    async def rebuild(self, node: str, image: str) -> None:
        self._nodes.on_call("rebuild", node)
        self._nodes.bases[node] = image


class FixedMachines(Operations):
    """Machines that stay what they are."""

    kind = "fixed"

    async def start(self, node: str) -> None: ...

    async def stop(self, node: str) -> None: ...

"""Snapshots within their bounds, on disks that exist in memory only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from soop_components.errors import SoopError
from soop_components.machines import Operations
from soop_components.machines.snapshots import Snapshot, Snapshots, beyond
from soop_components.model.environment import SnapshotSettings

ONE, TWO = (f"database-{number}.access-service.dev-a" for number in (1, 2))
OTHER = "database-1.access-service.dev-b"
MIB = 2**20


def made(node: str, label: str, minute: int, size: int = MIB) -> Snapshot:
    return Snapshot(node, label, f"2026-11-28T10:{minute:02}:00+00:00", size, "access-service-3.2.3", "")


class Disks(Operations):
    """Disks of 10 MiB, and what was done on their machines; each snapshot is taken a minute after the one before."""

    kind = "local"

    def __init__(self, *found: Snapshot) -> None:
        self.found = list(found)
        self.calls: list[tuple[str, ...]] = []
        self.fails = ""

    async def start(self, node: str) -> None:
        self.calls.append(("start", node))

    async def stop(self, node: str) -> None:
        self.calls.append(("stop", node))

    async def snapshot(self, node: str, label: str, of: str, digest: str) -> Snapshot:
        self.found = [each for each in self.found if (each.node, each.label) != (node, label)]
        self.found.append(made(node, label, 30 + len(self.found), 10 * MIB))
        return self.found[-1]

    async def restore(self, node: str, label: str) -> None:
        self.calls.append(("restore", node, label))
        if self.fails:
            raise SoopError(self.fails)

    async def snapshots(self, environment: str) -> Sequence[Snapshot]:
        return list(self.found)

    async def remove_snapshot(self, node: str, label: str) -> None:
        self.found = [each for each in self.found if (each.node, each.label) != (node, label)]

    async def snapshot_size(self, node: str) -> int:
        return 10 * MIB

    def labels(self, node: str) -> list[str]:
        return [each.label for each in self.found if each.node == node]


def of(disks: Disks, keep: int = 3, size: str = "1GiB") -> Snapshots:
    return Snapshots(disks, "dev", SnapshotSettings(keep=keep, size=size))


def test_those_beyond_the_bound_are_the_oldest_of_each_disk() -> None:
    found = [made(ONE, "c", 3), made(ONE, "a", 1), made(TWO, "d", 0), made(ONE, "b", 2)]
    assert [each.label for each in beyond(found, 1)] == ["a", "b"]
    assert [each.label for each in beyond(found, 3)] == []
    assert len(beyond(found, 0)) == 4


def test_another_one_removes_the_oldest_of_its_disk_and_of_no_other() -> None:
    disks = Disks(made(ONE, "a", 1), made(ONE, "b", 2), made(TWO, "a", 1), made(OTHER, "a", 0))
    asyncio.run(of(disks, keep=2).take(ONE, "c", "", ""))
    assert disks.labels(ONE) == ["b", "c"]
    assert disks.labels(TWO) == disks.labels(OTHER) == ["a"]


def test_one_that_is_about_to_be_restored_stays() -> None:
    disks = Disks(made(ONE, "a", 1), made(ONE, "b", 2))
    asyncio.run(of(disks, keep=2).take(ONE, "c", "", "", spare="a"))
    assert disks.labels(ONE) == ["a", "b", "c"]


def test_one_of_the_same_label_is_replaced_and_costs_no_other_one() -> None:
    disks = Disks(made(ONE, "a", 1), made(ONE, "b", 2))
    asyncio.run(of(disks, keep=2).take(ONE, "a", "", ""))
    assert disks.labels(ONE) == ["b", "a"]


@pytest.mark.parametrize(
    ("found", "keep", "fits"),
    [
        ([], 3, True),
        ([made(ONE, "x", 1, 80 * MIB)], 3, True),
        ([made(ONE, "x", 1, 81 * MIB)], 3, False),
        ([made(ONE, "x", 1, 90 * MIB)], 1, True),  # it goes when the new one is there
        ([made(ONE, "new", 1, 90 * MIB)], 3, True),  # it is replaced
        ([made(OTHER, "new", 1, 90 * MIB)], 1, False),  # another domain's
        ([made(ONE, "spared", 1, 90 * MIB)], 1, False),  # it stays
    ],
)
def test_the_room_of_the_environment_is_checked_before_any_is_taken(
    found: list[Snapshot], keep: int, fits: bool
) -> None:
    snapshots = of(Disks(*found), keep, "100MiB")
    if fits:
        asyncio.run(snapshots.check([ONE, TWO], "new", {ONE: "spared"}))
        return
    with pytest.raises(SoopError, match=r"snapshots of the environment dev would take .* and may take 100MiB"):
        asyncio.run(snapshots.check([ONE, TWO], "new", {ONE: "spared"}))


def test_a_machine_is_stopped_for_a_restore_and_starts_also_when_that_fails() -> None:
    disks = Disks()
    asyncio.run(of(disks).restore(ONE, "a"))
    assert disks.calls == [("stop", ONE), ("restore", ONE, "a"), ("start", ONE)]
    disks.fails = "no room"
    with pytest.raises(SoopError, match="no room"):
        asyncio.run(of(disks).restore(ONE, "a"))
    assert disks.calls[-1] == ("start", ONE)

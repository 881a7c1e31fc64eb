"""Disks: of their own size, outliving machines, used by one at a time."""

from __future__ import annotations

import asyncio

import pytest

from soop_components.errors import SoopError
from soop_components.machines import Attachment, DiskFacts
from tests.scenarios.ground import MIB, Ground

FIRST = "database-1.access-service.dev-access"
SECOND = "database-2.access-service.dev-access"
DISK = FIRST
MOUNT = Attachment(DISK, "/var/lib/postgresql")


def test_a_disk_outlives_its_machine(ground: Ground) -> None:
    async def scenario() -> None:
        assert await ground.machines.inspect_disk(DISK) is None
        await ground.machines.create_disk(DISK, 64 * MIB)
        facts = await ground.create(FIRST, MOUNT)
        await ground.run(facts, "echo kept > /var/lib/postgresql/kept; echo lost > /etc/lost")
        assert await ground.machines.inspect_disk(DISK) == DiskFacts(DISK, 64 * MIB, used_by=FIRST)
        await ground.machines.destroy(FIRST)
        assert await ground.machines.inspect_disk(DISK) == DiskFacts(DISK, 64 * MIB, used_by=None)
        facts = await ground.create(FIRST, MOUNT)
        assert await ground.run(facts, "cat /var/lib/postgresql/kept") == "kept"
        assert "No such file" in await ground.run(facts, "cat /etc/lost")

    asyncio.run(scenario())


def test_a_disk_has_its_size_and_no_more(ground: Ground) -> None:
    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        facts = await ground.create(FIRST, MOUNT)
        said = await ground.run(facts, "head -c 100M /dev/zero > /var/lib/postgresql/large")
        assert "No space left on device" in said
        assert await ground.run(facts, "head -c 100M /dev/zero > /large && stat -c %s /large") == str(100 * MIB)

    asyncio.run(scenario())


def test_a_disk_takes_space_only_as_it_fills(ground: Ground) -> None:
    asyncio.run(ground.machines.create_disk(DISK, 100 * 1024 * MIB))
    image = next((ground.home / "disks" / ground.realm).glob("*/*/image.ext4"))
    assert image.stat().st_size == 100 * 1024 * MIB
    assert image.stat().st_blocks * 512 < 200 * MIB


def test_a_disk_in_use_is_not_removed_or_given_to_another(ground: Ground) -> None:
    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        await ground.create(FIRST, MOUNT)
        with pytest.raises(SoopError, match=f"{DISK} is in use by {FIRST}"):
            await ground.machines.destroy_disk(DISK)
        with pytest.raises(SoopError, match=f"the disk {DISK} is in use by {FIRST}"):
            await ground.create(SECOND, MOUNT)
        assert not (await ground.look(SECOND)).running
        await ground.machines.stop(FIRST)
        assert (await ground.machines.start(SECOND)).running
        await ground.machines.destroy(SECOND)
        await ground.machines.destroy_disk(DISK)
        await ground.machines.destroy_disk(DISK)
        assert await ground.machines.inspect_disk(DISK) is None
        await ground.machines.destroy(FIRST)
        assert ground.traces() == set()

    asyncio.run(scenario())


def test_a_disk_grows_and_never_shrinks(ground: Ground) -> None:
    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        facts = await ground.create(FIRST, MOUNT)
        await ground.run(facts, "echo kept > /var/lib/postgresql/kept")
        await ground.machines.stop(FIRST)
        assert (await ground.machines.create_disk(DISK, 128 * MIB)).size == 128 * MIB
        facts = await ground.machines.start(FIRST)
        assert int(await ground.run(facts, "df --output=size -B1M /var/lib/postgresql | tail -1")) > 100
        assert await ground.run(facts, "cat /var/lib/postgresql/kept") == "kept"
        with pytest.raises(SoopError, match="cannot shrink"):
            await ground.machines.create_disk(DISK, 64 * MIB)

    asyncio.run(scenario())


def test_a_machine_without_its_disk_is_told(ground: Ground) -> None:
    async def scenario() -> None:
        with pytest.raises(SoopError, match=f"there is no disk {DISK}"):
            await ground.create(FIRST, MOUNT)
        await ground.machines.create_disk(DISK, 64 * MIB)
        assert (await ground.create(FIRST, MOUNT)).running

    asyncio.run(scenario())

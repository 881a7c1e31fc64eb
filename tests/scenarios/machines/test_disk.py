"""Disks: of their own size, outliving machines, used by one at a time."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path
from subprocess import PIPE

import pytest

from soop_components.errors import SoopError
from soop_components.machines.local import gateway
from soop_components.machines.local.local_machines import DiskFacts
from soop_components.machines.local.root_helper.request import Attachment
from tests.scenarios.ground import MIB, RUN, Ground, as_root
from tests.scenarios.inside import by_root

FIRST = "database-1.access-service.dev-access"
SECOND = "database-2.access-service.dev-access"
DISK = FIRST
HELPER = Path(gateway.__file__).parent / "root_helper"
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
        assert (await ground.start(SECOND)).running
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
        facts = await ground.start(FIRST)
        assert int(await ground.run(facts, "df --output=size -B1M /var/lib/postgresql | tail -1")) > 100
        assert await ground.run(facts, "cat /var/lib/postgresql/kept") == "kept"
        with pytest.raises(SoopError, match="cannot shrink"):
            await ground.machines.create_disk(DISK, 64 * MIB)

    asyncio.run(scenario())


def test_a_disk_grows_under_the_machine_that_uses_it_where_the_host_allows_that(ground: Ground) -> None:
    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        facts = await ground.create(FIRST, MOUNT)
        size = 128 * MIB
        try:
            await ground.machines.create_disk(DISK, size)
        except SoopError:  # a host without CAP_SYS_RESOURCE
            size = 64 * MIB
        assert await ground.machines.inspect_disk(DISK) == DiskFacts(DISK, size, used_by=FIRST)
        seen = int(await ground.run(facts, "df --output=size -B1M /var/lib/postgresql | tail -1"))
        assert 0.7 * size < seen * MIB <= size
        assert (await ground.look(FIRST)).pid == facts.pid

    asyncio.run(scenario())


def test_a_disk_that_cannot_grow_under_its_machine_keeps_its_size(ground: Ground) -> None:
    mount = str(RUN / ground.realm / "disks" / DISK)

    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        facts = await ground.create(FIRST, MOUNT)
        as_root("mount", "-o", "remount,ro", mount)
        for _ in range(2):
            with pytest.raises(SoopError, match=f"{DISK} cannot grow to {128 * MIB} bytes and keeps its") as failure:
                await ground.machines.create_disk(DISK, 128 * MIB)
            assert failure.value.hint is not None
            assert failure.value.hint.startswith(f"shut {FIRST} down and deploy again")
            assert await ground.machines.inspect_disk(DISK) == DiskFacts(DISK, 64 * MIB, used_by=FIRST)
        as_root("mount", "-o", "remount,rw", mount)
        assert await ground.run(facts, "head -c 40M /dev/zero > /var/lib/postgresql/large && sync && echo ok") == "ok"
        await ground.machines.stop(FIRST)
        assert (await ground.machines.create_disk(DISK, 128 * MIB)).size == 128 * MIB
        facts = await ground.start(FIRST)
        assert int(await ground.run(facts, "df --output=size -B1M /var/lib/postgresql | tail -1")) > 100
        assert await ground.run(facts, "stat -c %s /var/lib/postgresql/large") == str(40 * MIB)

    asyncio.run(scenario())


def test_a_disk_that_cannot_grow_on_a_full_host_keeps_its_size(ground: Ground) -> None:
    """A limit of the process stands for a file system that takes no larger file."""

    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        request = {"home": str(ground.home), "realm": ground.realm, "disk": DISK, "size": 128 * MIB}
        helper = ["/usr/bin/python3", "-I", "-B", str(HELPER), "disk-create"]
        as_root("prlimit", f"--fsize={100 * MIB}", *helper, stdin=json.dumps(request), check=False)
        assert await ground.machines.inspect_disk(DISK) == DiskFacts(DISK, 64 * MIB, used_by=None)
        assert (await ground.machines.create_disk(DISK, 128 * MIB)).size == 128 * MIB

    asyncio.run(scenario())


@pytest.mark.parametrize("size", [64 * MIB, 128 * MIB, 192 * MIB])
def test_a_disk_whose_growing_was_cut_short_takes_any_size_from_the_old_one_on(ground: Ground, size: int) -> None:
    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        [image] = (ground.home / "disks" / ground.realm).glob("*/*/image.ext4")
        as_root("touch", str(image.with_name("growing")))
        as_root("truncate", "--size=128M", str(image))
        assert (await ground.machines.create_disk(DISK, size)).size == size
        facts = await ground.create(FIRST, MOUNT)
        assert int(await ground.run(facts, "df --output=size -B1M /var/lib/postgresql | tail -1")) > 0.8 * size / MIB
        assert not image.with_name("growing").exists()

    asyncio.run(scenario())


def test_who_holds_a_mount_is_named(ground: Ground) -> None:
    mount = RUN / ground.realm / "disks" / DISK

    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        await ground.create(FIRST, MOUNT)
        busy = by_root("sh", "-c", f"cd {mount} && echo ready && exec sleep 600")
        with subprocess.Popen(busy, stdout=PIPE) as user:
            assert user.stdout is not None
            await asyncio.to_thread(user.stdout.readline)
            with pytest.raises(SoopError, match=rf"{mount} is in use by sleep \(\d+\)") as failure:
                await ground.machines.destroy(FIRST)
            assert failure.value.hint == "end what uses it, then try again"
            as_root("kill", re.findall(r"\((\d+)\)", failure.value.message)[0])
        await ground.machines.destroy(FIRST)

    asyncio.run(scenario())


def test_what_is_mounted_in_a_mount_is_named(ground: Ground) -> None:
    async def scenario() -> None:
        facts = await ground.create(FIRST)
        root = next((RUN / ground.realm).glob("*-*/root"))
        as_root("mount", "-t", "tmpfs", "tmpfs", f"{root}/mnt")
        ground.crash(facts)
        with pytest.raises(SoopError, match=f"{root} is in use by the mount {root}/mnt"):
            await ground.machines.destroy(FIRST)
        as_root("umount", f"{root}/mnt")
        await ground.machines.destroy(FIRST)

    asyncio.run(scenario())


def test_a_machine_without_its_disk_is_reported(ground: Ground) -> None:
    async def scenario() -> None:
        with pytest.raises(SoopError, match=f"there is no disk {DISK}"):
            await ground.create(FIRST, MOUNT)
        await ground.machines.create_disk(DISK, 64 * MIB)
        assert (await ground.create(FIRST, MOUNT)).running

    asyncio.run(scenario())

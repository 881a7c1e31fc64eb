"""Snapshots of a disk: taken under a machine that writes, restored, and never half of one."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines.local import gateway
from soop_components.machines.local.root_helper.request import Attachment
from soop_components.machines.snapshots import Snapshots
from soop_components.model.environment import SnapshotSettings
from tests.scenarios.ground import MIB, RUN, Ground, as_root
from tests.scenarios.inside import by_root

NODE = "database-1.access-service.dev-access"
MOUNT = Attachment(NODE, "/var/lib/postgresql")
WRITER = "cd /var/lib/postgresql; n=0; while n=$((n+1)); do echo $n > next; sync next; mv next last; done"
"""Writes numbers, each complete."""


def later(before: str) -> str:
    """Return a command that waits for another number than before, and prints it."""
    last = "$(cat /var/lib/postgresql/last 2>/dev/null)"
    return f'timeout 30 sh -c \'until test "{last}" != "{before}"; do sleep 0.1; done\' && echo {last}'


def test_a_disk_is_what_it_was_and_keeps_a_size_that_it_was_given_since(ground: Ground) -> None:
    async def scenario() -> None:
        await ground.machines.create_disk(NODE, 64 * MIB)
        facts = await ground.create(NODE, MOUNT)
        await ground.run(facts, f"nohup sh -c '{WRITER}' > /dev/null 2>&1 &")
        snapshots = Snapshots(ground.machines, "dev", SnapshotSettings(keep=2))
        before = int(await ground.run(facts, later("")))
        made = await snapshots.take(NODE, "first", "access-service-3.2.3", "")
        after = int(await ground.run(facts, later(str(before))))
        assert list(await snapshots.all()) == [made]
        assert made.size < 16 * MIB
        with pytest.raises(SoopError, match=f"{NODE} is in use by {NODE}"):
            await ground.machines.restore(NODE, "first")
        await ground.machines.stop(NODE)
        await ground.machines.create_disk(NODE, 128 * MIB)
        await snapshots.restore(NODE, "first")
        facts = await ground.look(NODE)
        assert before <= int(await ground.run(facts, "cat /var/lib/postgresql/last")) <= after
        assert int(await ground.run(facts, "df --output=size -B1M /var/lib/postgresql | tail -1")) > 100
        await snapshots.take(NODE, "second", "", "")
        await snapshots.take(NODE, "third", "", "")
        assert {each.label for each in await snapshots.all()} == {"second", "third"}
        folder = next((ground.home / "disks" / ground.realm).glob("*/*/snapshots"))
        as_root("touch", str(folder / "0123456789abcdef.ext4"))  # as a killed copy leaves it
        as_root("touch", str(folder.parent / ".image.ext4.restored"))  # as a killed restore leaves it
        assert await ground.machines.sweep() == [
            f"restored {NODE}, which was never complete",
            f"snapshot of {NODE}, which was never complete",
        ]
        assert {each.label for each in await snapshots.all()} == {"second", "third"}
        await ground.machines.destroy(NODE)
        await ground.machines.destroy_disk(NODE)
        assert list(await snapshots.all()) == []

    asyncio.run(scenario())


FREEZE = """
import os, sys, time
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from root_helper.snapshot import frozen
with frozen(Path(sys.argv[2])):
    print(os.getpid(), flush=True)
    time.sleep(600)
"""


def test_a_disk_goes_on_when_the_program_that_froze_it_is_killed(ground: Ground) -> None:
    async def scenario() -> None:
        await ground.machines.create_disk(NODE, 64 * MIB)
        facts = await ground.create(NODE, MOUNT)
        folder, mount = Path(gateway.__file__).parent, RUN / ground.realm / "disks" / NODE
        argv = by_root("/usr/bin/python3", "-I", "-c", FREEZE, str(folder), str(mount))
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            frozen_by = process.stdout.readline().strip()
            writing = asyncio.create_task(
                ground.run(facts, "echo kept > /var/lib/postgresql/kept && sync && echo done")
            )
            as_root("kill", "-KILL", frozen_by)
            try:
                assert await asyncio.wait_for(writing, 60) == "done"
            finally:
                as_root("fsfreeze", "--unfreeze", str(mount), check=False)

    asyncio.run(scenario())

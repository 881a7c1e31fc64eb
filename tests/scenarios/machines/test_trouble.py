"""Trouble: whatever is killed or taken away at any moment, the next run converges, and nothing foreign is touched."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from soop_components.machines.local import gateway
from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.local_machines import MachineFacts
from soop_components.machines.local.root_helper.request import Attachment
from tests.scenarios.ground import CHECKOUT, IMAGE, MIB, Ground, as_root

WEB = "web-1.access-service.dev-access"
OTHER = "web-2.access-service.dev-access"
DISK = "database-1.access-service.dev-access"
HELPER = Path(gateway.__file__).parent / "root_helper"
SAVE = "echo kept > /etc/kept; echo kept > /data/kept; sync"
CHECK = "cat /etc/kept /data/kept"


async def _made(ground: Ground) -> MachineFacts:
    await ground.machines.create_disk(DISK, 64 * MIB)
    facts = await ground.create(WEB, Attachment(DISK, "/data"))
    await ground.run(facts, SAVE)
    return facts


def test_a_machine_that_was_killed_is_seen_and_starts_with_its_data(ground: Ground) -> None:
    async def scenario() -> None:
        before = await _made(ground)
        ground.crash(before)
        while (await ground.look(WEB)).running:
            await asyncio.sleep(0.05)
        after = await ground.start(WEB)
        assert await ground.run(after, CHECK) == "kept\nkept"
        assert after.address == before.address

    asyncio.run(scenario())


def test_after_a_reboot_of_the_host_machines_start_with_their_data_and_address(ground: Ground) -> None:
    async def scenario() -> None:
        before = await _made(ground)
        ground.reboot_host()
        assert not (await ground.look(WEB)).running
        after = await ground.create(WEB, Attachment(DISK, "/data"))
        assert await ground.run(after, CHECK) == "kept\nkept"
        assert (after.address, after.host_key) == (before.address, before.host_key)

    asyncio.run(scenario())


def test_the_network_of_a_running_machine_is_made_anew(ground: Ground) -> None:
    async def scenario() -> None:
        before = await _made(ground)
        [slot] = ground.slots()
        as_root("ip", "link", "del", slot)
        after = await ground.create(WEB, Attachment(DISK, "/data"))
        assert after.address == before.address
        assert await ground.run(after, CHECK) == "kept\nkept"

    asyncio.run(scenario())


@pytest.mark.parametrize("verb", ["create", "destroy"])
def test_a_helper_that_is_killed_anywhere_leaves_nothing_that_the_next_does_not_mend(ground: Ground, verb: str) -> None:
    key = new_host_key()
    request = {"home": str(ground.home), "realm": ground.realm}
    fields = {
        "create": {
            "spec": {
                "name": WEB,
                "image": IMAGE,
                "cpus": 1,
                "memory": 512 * MIB,
                "authorized_keys": list(ground.spec(WEB).authorized_keys),
                "disks": [{"disk": DISK, "mount": "/data"}],
            },
            "host_key": {"private": key.private, "public": key.public},
        },
        "destroy": {"name": WEB},
    }[verb]

    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        for step in range(1, 15):
            if verb == "destroy":
                await ground.create(WEB, Attachment(DISK, "/data"))
            else:
                await ground.machines.destroy(WEB)
            await asyncio.to_thread(_killed_after, 0.025 * step, verb, json.dumps({**request, **fields}))
            await ground.machines.sweep()
            facts = await ground.create(WEB, Attachment(DISK, "/data"))
            assert await ground.run(facts, "echo here") == "here"
        await ground.machines.destroy(WEB)
        await ground.machines.destroy_disk(DISK)

    asyncio.run(scenario())


def _killed_after(seconds: float, verb: str, request: str) -> None:
    helper = ["/usr/bin/python3", "-I", "-B", str(HELPER), verb]
    as_root("timeout", "--signal=KILL", f"{seconds}", *helper, stdin=request, check=False)


def test_a_sweep_removes_remains_and_leaves_the_living_alone(ground: Ground) -> None:
    async def scenario() -> None:
        name = "web-2.access-service.dev-access"
        living = await ground.create(name)
        crashed = await ground.create(WEB)
        ground.crash(crashed)
        while (await ground.look(WEB)).running:
            await asyncio.sleep(0.05)
        incomplete = ground.home / "machines" / ground.realm / "dev-access" / "web-3.access-service.dev-access"
        (incomplete / "upper").mkdir(parents=True)
        assert await ground.machines.sweep() == [
            f"remains of {WEB}, which does not run",
            f"{incomplete.name}, which was never complete",
        ]
        assert await ground.machines.sweep() == []
        assert await ground.look(name) == living
        assert await ground.run(living, "echo here") == "here"
        assert not incomplete.exists()
        assert (await ground.look(WEB)).address == crashed.address

    asyncio.run(scenario())


def test_a_machine_whose_record_is_damaged_is_made_anew_and_no_other_machine_s_trouble(ground: Ground) -> None:
    async def scenario() -> None:
        before = await _made(ground)
        other = await ground.create(OTHER)
        _damage(ground, WEB)
        found = await ground.machines.inspect([WEB, OTHER])
        assert f"the record of {WEB} is damaged" in str(found[WEB])
        assert found[OTHER] == other
        assert await ground.machines.sweep() == []
        disk = await ground.machines.inspect_disk(DISK)
        assert disk is not None
        assert disk.used_by == WEB

        after = await ground.create(WEB, Attachment(DISK, "/data"))
        assert await ground.run(after, "test ! -e /etc/kept && cat /data/kept") == "kept"
        assert after.host_key != before.host_key
        _damage(ground, WEB)
        await ground.machines.destroy(WEB)
        assert await ground.machines.inspect([WEB, OTHER]) == {OTHER: other}
        assert await ground.run(other, "echo here") == "here"

        await ground.create(WEB, Attachment(DISK, "/data"))
        as_root("rm", str(_record(ground, WEB)))  # as somebody would who has read that it is damaged
        assert await ground.machines.sweep() == [f"{WEB}, which was never complete"]
        again = await ground.create(WEB, Attachment(DISK, "/data"))
        assert await ground.run(again, "cat /data/kept") == "kept"
        assert await ground.look(OTHER) == other
        _damage(ground, OTHER)
        await ground.machines.clean()
        assert ground.traces() == set()

    asyncio.run(scenario())


def _damage(ground: Ground, name: str) -> None:
    as_root("tee", str(_record(ground, name)), stdin='{"spec": 7}')


def _record(ground: Ground, name: str) -> Path:
    [record] = (ground.home / "machines" / ground.realm).glob(f"*/{name}/machine.json")
    return record


def test_a_sweep_removes_what_a_deleted_checkout_left_running(ground: Ground) -> None:
    folder = CHECKOUT / ".cache" / "deleted"
    images = folder / ".soop" / "images"
    if not images.exists():
        images.parent.mkdir(mode=0o700, parents=True)
        as_root("cp", "-al", str(ground.home / "images"), str(images))
    deleted = Ground("deleted", folder)
    asyncio.run(deleted.machines.clean())

    async def scenario() -> None:
        await deleted.machines.create_disk(DISK, 64 * MIB)
        facts = await deleted.create(WEB, Attachment(DISK, "/data"))
        assert await deleted.run(facts, "echo here") == "here"
        assert len(deleted.slots()) == 1
        as_root("rm", "-rf", "--one-file-system", str(folder))
        assert await ground.machines.sweep() == [f"realm {deleted.realm} of {deleted.home}, which is gone"]
        assert deleted.traces() == set()

    asyncio.run(scenario())


def test_a_log_shows_why_a_machine_does_not_come_up(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> str:
        facts = await ground.create(WEB)
        await ground.run(facts, "rm /lib/systemd/systemd /sbin/init")
        await ground.machines.stop(WEB)
        with pytest.raises(Exception, match=f"{WEB} ended while it was starting") as failure:
            await ground.start(WEB)
        return str(failure.value)

    assert "console.log ends with" in asyncio.run(scenario())


def test_a_machine_that_is_shutting_down_is_not_taken_for_one_that_runs(ground: Ground) -> None:
    """The helper that asked it to was killed; the next one wants it to run."""

    async def scenario() -> None:
        await ground.machines.create_disk(DISK, 64 * MIB)
        before = await ground.create(WEB, Attachment(DISK, "/data"))
        await ground.run(before, "systemd-run --quiet --property=ExecStop='sleep 3' sleep 100")
        request = {"home": str(ground.home), "realm": ground.realm, "name": WEB}
        await asyncio.to_thread(_killed_after, 0.8, "stop", json.dumps(request))
        assert (await ground.look(WEB)).running
        after = await ground.create(WEB, Attachment(DISK, "/data"))
        assert after.pid != before.pid
        assert await ground.run(after, "echo here") == "here"

    asyncio.run(scenario())

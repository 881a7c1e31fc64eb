"""A machine's life: made, reached, stopped, started, changed, removed; and all of it twice."""

from __future__ import annotations

import asyncio
import dataclasses

import asyncssh
import pytest

from soop_components.errors import SoopError
from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.local_machines import MachineFacts
from soop_components.machines.local.root_helper.request import Attachment
from tests.scenarios.ground import MIB, Ground

WEB = "web-1.access-service.dev-access"
ANSWERS = """
import signal, socket, time
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
with socket.create_server(("", 8080)) as server:
    caller, _ = server.accept()
caller.sendall(b"begun\\n")
signal.sigwait({signal.SIGTERM})
time.sleep(1)
caller.sendall(b"done\\n")
"""
"""Program that answers its one caller when it is told to end, some time later."""


def test_a_machine_is_made_and_reached_with_its_known_host_key(ground: Ground) -> None:
    async def scenario() -> None:
        key = new_host_key()
        facts = await ground.machines.create(ground.spec(WEB), key)
        assert (facts.running, facts.host_key, facts.user, facts.port) == (True, key.public, "root", 22)
        assert await ground.run(facts, "hostname; systemctl is-system-running --wait") == f"{WEB}\nrunning"
        assert f" {facts.address}/22 " in await ground.run(facts, "ip -4 address show eth0")
        other = dataclasses.replace(facts, host_key=new_host_key().public)
        with pytest.raises(asyncssh.HostKeyNotVerifiable):
            await ground.run(other, "true")

    asyncio.run(scenario())


def test_the_second_creation_adopts_the_first(ground: Ground) -> None:
    async def scenario() -> tuple[MachineFacts, MachineFacts]:
        return await ground.create(WEB), await ground.create(WEB)

    first, second = asyncio.run(scenario())
    assert first == second


def test_what_was_stopped_starts_with_its_files_address_and_host_key(ground: Ground) -> None:
    async def scenario() -> None:
        before = await ground.create(WEB)
        await ground.run(before, "echo kept > /etc/kept; cat /etc/machine-id > /etc/id")
        await ground.machines.stop(WEB)
        assert not (await ground.look(WEB)).running
        await ground.machines.stop(WEB)
        after = await ground.start(WEB)
        assert await ground.run(after, "cat /etc/kept; cmp /etc/id /etc/machine-id") == "kept"
        assert (after.address, after.host_key) == (before.address, before.host_key)
        assert after.pid != before.pid
        assert await ground.start(WEB) == after

    asyncio.run(scenario())


def test_an_absent_machine_is_absent_and_can_be_removed(ground: Ground) -> None:
    async def scenario() -> None:
        assert await ground.machines.inspect([WEB]) == {}
        await ground.machines.destroy(WEB)
        await ground.machines.stop(WEB)
        with pytest.raises(SoopError, match=f"there is no machine {WEB}"):
            await ground.start(WEB)
        await ground.create(WEB)
        await ground.machines.destroy(WEB)
        await ground.machines.destroy(WEB)
        assert await ground.machines.inspect([WEB]) == {}
        assert ground.traces() == set()

    asyncio.run(scenario())


@pytest.mark.parametrize("verb", ["stop", "destroy"])
def test_programs_end_what_is_under_way_before_their_machine_does(ground: Ground, verb: str) -> None:
    async def scenario() -> None:
        facts = await ground.create(WEB)
        await ground.put(facts, "/root/answers.py", ANSWERS.encode())
        listens = "until ss --listening --numeric --tcp | grep -q :8080; do sleep 0.1; done"
        await ground.run(facts, f"systemd-run --quiet python3 /root/answers.py; timeout 60 sh -c '{listens}'")
        reader, writer = await asyncio.open_connection(facts.address, 8080)
        assert await reader.readline() == b"begun\n"
        await getattr(ground.machines, verb)(WEB)
        assert await reader.readline() == b"done\n"
        writer.close()

    asyncio.run(scenario())


def test_another_size_restarts_nothing(ground: Ground) -> None:
    async def scenario() -> None:
        before = await ground.create(WEB)
        for memory, cpus in ((768 * MIB, 2), (256 * MIB, 1)):
            changed = dataclasses.replace(ground.spec(WEB), memory=memory, cpus=cpus)
            after = await ground.machines.create(changed, new_host_key())
            assert (after.spec, after.pid) == (changed, before.pid)
            limits = [int(text) for text in ground.limits() if text.strip().isdigit()]
            assert memory in limits

    asyncio.run(scenario())


def test_another_disk_restarts_the_machine_which_keeps_its_files(ground: Ground) -> None:
    async def scenario() -> None:
        before = await ground.create(WEB)
        await ground.run(before, "echo kept > /etc/kept")
        await ground.machines.create_disk(WEB, 64 * MIB)
        changed = ground.spec(WEB, Attachment(WEB, "/srv/data"))
        after = await ground.machines.create(changed, new_host_key())
        assert (after.spec, after.pid == before.pid) == (changed, False)
        assert after.host_key == before.host_key
        assert await ground.run(after, "cat /etc/kept") == "kept"

    asyncio.run(scenario())


def test_a_key_that_is_authorized_later_replaces_the_first(ground: Ground) -> None:
    async def scenario() -> None:
        facts = await ground.create(WEB)
        other = dataclasses.replace(ground.spec(WEB), authorized_keys=(new_host_key().public,))
        await ground.machines.create(other, new_host_key())
        with pytest.raises(asyncssh.PermissionDenied):
            await ground.run(facts, "true")
        assert (await ground.look(WEB)).pid == facts.pid  # for that nothing is started again

    asyncio.run(scenario())


def test_a_base_image_that_is_not_there_is_reported_and_leaves_nothing(ground: Ground) -> None:
    async def scenario() -> None:
        wanted = dataclasses.replace(ground.spec(WEB), image="debian-99")
        with pytest.raises(SoopError, match="there is no base image debian-99"):
            await ground.machines.create(wanted, new_host_key())
        assert ground.traces() == set()

    asyncio.run(scenario())


def test_machines_reach_each_other_but_not_the_world(ground: Ground) -> None:
    async def scenario() -> None:
        one, two = await asyncio.gather(ground.create(WEB), ground.create(WEB.replace("web-1", "web-2")))
        other = await ground.create("web-1.access-service.test-access")
        probe = "import socket,sys; socket.create_connection((sys.argv[1], 22), 2); print('reached')"
        assert await ground.run(one, f'python3 -c "{probe}" {two.address}') == "reached"
        assert "Network is unreachable" in await ground.run(one, f'python3 -c "{probe}" {other.address}')
        assert await ground.run(one, "ip route show default") == ""

    asyncio.run(scenario())


def test_two_dozen_machines_at_once(ground: Ground) -> None:
    async def one(name: str) -> str:
        facts = await ground.create(name)
        return await ground.run(facts, "systemctl is-system-running --wait; systemctl --failed --no-legend")

    async def scenario() -> None:
        names = [f"web-{number}.access-service.dev-access" for number in range(1, 25)]
        assert await asyncio.gather(*map(one, names)) == ["running"] * 24
        found = await asyncio.gather(*map(ground.look, names))
        assert len({facts.address for facts in found if facts.running}) == 24
        await asyncio.gather(*map(ground.machines.destroy, names))
        assert await ground.machines.inspect(names) == {}

    asyncio.run(scenario())

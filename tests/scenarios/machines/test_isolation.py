"""Isolation: every pair of machines of two domains and two environments, on every port that somebody listens on.

And nobody gets what is meant for others, whatever addresses he sends from.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from itertools import permutations

from soop_components.machines.local.local_machines import MachineFacts
from soop_components.machines.local.root_helper import network
from soop_components.machines.local.root_helper.record import Record
from soop_components.machines.local.root_helper.request import Opening
from tests.scenarios.ground import Ground, as_root

DATABASE, WEB = "database-1.access-service.dev-access", "web-1.access-service.dev-access"
OWN = "web-1.access-service.dev-one"
ELSEWHERE = "web-1.access-service.test-access"
NAMES = (DATABASE, WEB, OWN, ELSEWHERE)
SERVICE, OTHER = 8080, 8081
LISTEN = "systemd-run --quiet --unit=listener-{port} python3 -m http.server {port}"
CONNECT = """
import json, socket, sys, time
from concurrent.futures import ThreadPoolExecutor
def connects(one):
    address, port, patience = one
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            socket.create_connection((address, port), patience).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False
with ThreadPoolExecutor(20) as pool:
    print(json.dumps(list(pool.map(connects, json.loads(sys.argv[1])))))
"""
FORGE = """
import socket, sys, time
mac, address = bytes.fromhex(sys.argv[1].replace(":", "")), socket.inet_aton(sys.argv[2])
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
port.bind(("eth0", 0))
own, everybody = port.getsockname()[4], b"\\xff" * 6
answer = bytes.fromhex("0001080006040002")
for _ in range(10):
    for each in (mac, own):
        port.send(everybody + each + b"\\x08\\x06" + answer + each + address + everybody + address)
    port.send(bytes.fromhex("0180c200000e") + mac + b"\\x88\\xcc" + bytes(46))
    time.sleep(0.2)
"""
"""Says to the bridge and to everybody at it that the given hardware address and IP address are here."""
LONG, SHORT = 60, 2
"""Seconds in which a connection must succeed, and those in which one must not."""

Admitted = Callable[[str, str, int], bool]
"""Returns whether a machine may connect to a port of another one."""


def of_one_domain(source: str, target: str, port: int) -> bool:
    """Admit machines of one domain."""
    return {source, target} == {DATABASE, WEB}


def where_it_is_told(source: str, target: str, port: int) -> bool:
    """Admit the other domain to one port too."""
    return of_one_domain(source, target, port) or (source, target, port) == (OWN, WEB, SERVICE)


async def check(ground: Ground, facts: Mapping[str, MachineFacts], admitted: Admitted) -> None:
    """Try every pair of machines and every port from inside; what is admitted gets all the time that it needs."""

    async def check_from(source: str) -> None:
        pairs = [
            (target, port)
            for first, target in permutations(NAMES, 2)
            for port in (22, SERVICE, OTHER)
            if first == source
        ]
        wanted = {(target, port): admitted(source, target, port) for target, port in pairs}
        tries = [[facts[target].address, port, LONG if may else SHORT] for (target, port), may in wanted.items()]
        found = await ground.run(facts[source], f"python3 -c '{CONNECT}' '{json.dumps(tries)}'")
        assert dict(zip(wanted, json.loads(found), strict=True)) == wanted, source

    await asyncio.gather(*map(check_from, NAMES))


async def forge(ground: Ground, facts: Mapping[str, MachineFacts]) -> None:
    """Let a machine say that it is one of another domain; neither the bridge nor the host believes it."""
    thief, victim = (Record.load(ground.machines.realm, name) for name in (OWN, WEB))
    assert thief is not None
    assert victim is not None
    mac, bridge = network.mac(victim), network.environment_namespace(victim.slot)
    assert await ground.run(facts[OWN], f"python3 -c '{FORGE}' {mac} {victim.address}") == ""
    places = as_root("bridge", "-n", bridge, "fdb", "show", "br", "br0")
    assert f"{mac} dev {network.bridge_port(thief.id)} " not in places
    assert network.mac(thief) not in as_root("ip", "neigh", "show", victim.address)
    assert await ground.run(facts[WEB], "echo it is me") == "it is me"


def test_machines_reach_their_own_domain_and_what_is_open_to_them(ground: Ground) -> None:
    async def scenario() -> None:
        facts = dict(zip(NAMES, await asyncio.gather(*map(ground.create, NAMES)), strict=True))
        for each in facts.values():
            for port in (SERVICE, OTHER):
                await ground.run(each, LISTEN.format(port=port))
        await check(ground, facts, of_one_domain)
        opened = await ground.create(WEB, inbound=(Opening(SERVICE, ("dev-one", "dev-gone")),))
        assert opened.pid == facts[WEB].pid
        await check(ground, facts, where_it_is_told)
        await ground.create(WEB)
        await check(ground, facts, of_one_domain)
        await forge(ground, facts)
        await check(ground, facts, of_one_domain)

    asyncio.run(scenario())

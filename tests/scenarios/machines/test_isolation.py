"""Isolation: every pair of machines of two domains and two environments, on every port that somebody listens on."""

from __future__ import annotations

import asyncio
import json
from itertools import permutations

from soop_components.machines.local.local_machines import MachineFacts
from tests.scenarios.ground import Ground

DATABASE, WEB = "database-1.access-service.dev-access", "web-1.access-service.dev-access"
OWN = "web-1.access-service.dev-one"
ELSEWHERE = "web-1.access-service.test-access"
SERVICE = 8080
LISTEN = f"systemd-run --quiet --unit=listener python3 -m http.server {SERVICE}"
CONNECT = """
import json, socket, sys, time
def connects(address, port, patience):
    end = time.monotonic() + patience
    while time.monotonic() < end:
        try:
            socket.create_connection((address, port), patience).close()
            return True
        except OSError:
            time.sleep(0.1)
    return False
print(json.dumps([connects(*each) for each in json.loads(sys.argv[1])]))
"""
LONG, SHORT = 60, 2
"""Seconds in which a connection must succeed, and those in which one must not."""


async def connections(ground: Ground, source: MachineFacts, wanted: dict[tuple[str, int], bool]) -> list[bool]:
    """Return which addresses and ports a machine can connect to; what is to succeed gets time enough."""
    tries = [[*target, LONG if succeeds else SHORT] for target, succeeds in wanted.items()]
    found: list[bool] = json.loads(await ground.run(source, f"python3 -c '{CONNECT}' '{json.dumps(tries)}'"))
    return found


def test_only_machines_of_one_domain_reach_each_other(ground: Ground) -> None:
    async def scenario() -> None:
        names = (DATABASE, WEB, OWN, ELSEWHERE)
        facts = dict(zip(names, await asyncio.gather(*map(ground.create, names)), strict=True))
        for each in facts.values():
            await ground.run(each, LISTEN)

        async def check(source: str) -> None:
            wanted = {
                (facts[target].address, port): {source, target} == {DATABASE, WEB}
                for first, target in permutations(names, 2)
                if first == source
                for port in (22, SERVICE)
            }
            assert await connections(ground, facts[source], wanted) == list(wanted.values()), source

        await asyncio.gather(*map(check, names))

    asyncio.run(scenario())

"""Two checkouts on one host, with machines of the same names: neither sees, nor removes, anything of the other."""

from __future__ import annotations

import asyncio

from tests.scenarios.ground import Ground

WEB = "web-1.access-service.dev-access"


def test_the_same_names_in_two_realms(ground: Ground, other_ground: Ground) -> None:
    async def scenario() -> None:
        mine, theirs = await asyncio.gather(ground.create(WEB), other_ground.create(WEB))
        assert mine.address != theirs.address
        assert ground.slots().isdisjoint(other_ground.slots())
        await ground.run(mine, "echo mine > /etc/whose")
        await other_ground.run(theirs, "echo theirs > /etc/whose")
        assert await ground.run(mine, "cat /etc/whose") == "mine"
        assert await ground.machines.sweep() == []
        await ground.machines.clean()
        assert ground.traces() == set()
        assert await other_ground.run(theirs, "cat /etc/whose") == "theirs"
        assert await other_ground.look(WEB) == theirs

    asyncio.run(scenario())

"""Sessions that are kept, over connections that are played."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soop_components.release import sessions
from soop_components.release.sessions import Sessions
from soop_components.runner.protocol import Done, Ping
from soop_components.transport.process import ConnectionLost
from soop_components.transport.ssh import Target
from tests.unit.release.played_runner import ARCHIVE, RESULT, TARGET, Connection, Process

ELSEWHERE = Target(TARGET.name, "192.0.2.2", TARGET.host_key)


def test_a_lost_connection_is_begun_anew_by_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    async def connect(target: Target, private_key: str, patience: float) -> Any:
        lost = Process([], code=ConnectionLost("lost"))
        made.append(Connection(Process([RESULT, RESULT]) if made else lost))
        return made[-1]

    async def show(message: str) -> None:
        """Nobody listens."""

    async def asking() -> None:
        kept = Sessions(ARCHIVE)
        with pytest.raises(ConnectionLost):
            await (await kept.open(TARGET, "key", 1.0)).ask(Ping(), Done, show)
        for _ in range(2):
            assert await (await kept.open(TARGET, "key", 1.0)).ask(Ping(), Done, show) == Done()

    monkeypatch.setattr(sessions, "connect", connect)
    asyncio.run(asking())
    assert [connection.aborted for connection in made] == [True, False]


def test_a_session_is_dropped_when_the_node_is_elsewhere_or_the_key_another(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    async def connect(target: Target, private_key: str, patience: float) -> Connection:
        made.append(Connection())
        return made[-1]

    async def asking() -> None:
        kept = Sessions(ARCHIVE)
        for target, key in ((TARGET, "key"), (TARGET, "key"), (TARGET, "another"), (ELSEWHERE, "another")):
            await kept.open(target, key, 1.0)

    monkeypatch.setattr(sessions, "connect", connect)
    asyncio.run(asking())
    assert [connection.aborted for connection in made] == [True, True, False]


def test_who_asks_while_a_session_is_begun_gets_that_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Connection] = []

    async def connect(target: Target, private_key: str, patience: float) -> Connection:
        await asyncio.sleep(0)
        made.append(Connection())
        return made[-1]

    async def asking() -> None:
        kept = Sessions(ARCHIVE)
        first, second = await asyncio.gather(kept.open(TARGET, "key", 1.0), kept.open(TARGET, "key", 1.0))
        assert first is second

    monkeypatch.setattr(sessions, "connect", connect)
    asyncio.run(asking())
    assert [connection.aborted for connection in made] == [False]

"""When a machine that shuts down is off."""

from __future__ import annotations

import asyncio
import errno
from typing import Any

import pytest

from soop_components.machines.host import visit


class Connected:
    def close(self) -> None:
        pass


@pytest.mark.parametrize("silence", [TimeoutError(), OSError(errno.EHOSTUNREACH, "No route to host")])
def test_a_machine_is_off_when_nothing_answers_any_more(monkeypatch: pytest.MonkeyPatch, silence: OSError) -> None:
    lost, off = [silence] * (visit._SILENCES - 1), [silence] * visit._SILENCES
    answers: list[Any] = [Connected(), *lost, ConnectionResetError(), *lost, ConnectionRefusedError(), *off]

    async def connect(address: str, port: int) -> tuple[None, Connected]:
        assert (address, port) == ("10.80.7.2", 22)
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        return None, answer

    monkeypatch.setattr(asyncio, "open_connection", connect)
    monkeypatch.setattr(visit, "_PAUSE", 0)
    assert asyncio.run(visit.await_off("10.80.7.2", 22, 600))
    assert answers == []


def test_a_machine_that_goes_on_answering_is_not_awaited_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(address: str, port: int) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(asyncio, "open_connection", refuse)
    assert not asyncio.run(visit.await_off("10.80.7.2", 22, 0.01))

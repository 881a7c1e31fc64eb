"""Nodes get signs that their deployer is at work, in turns, for as long as it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import pytest

from soop_components.errors import SoopError
from soop_components.release.node import Node
from soop_components.release.signs_of_life import SignsOfLife
from soop_components.runner.protocol import Inspected
from soop_components.waiting import Clock
from tests.unit.release.example import UPGRADE
from tests.unit.release.fake_nodes import FakeNode, Nodes


class SteppedClock(Clock):
    """A clock that goes on to the next moment at which somebody wakes up."""

    def __init__(self) -> None:
        self.time = 0.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        self._sleepers.append((self.time + seconds, woken))
        await woken.wait()

    async def go_on(self, until: float) -> None:
        await self._settle()
        while self._sleepers and min(at for at, _ in self._sleepers) <= until:
            self._sleepers.sort(key=lambda sleeper: sleeper[0])
            self.time, woken = self._sleepers.pop(0)
            woken.set()
            await self._settle()

    async def _settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


@dataclass
class Told:
    """A node that notes when it got a sign."""

    name: str
    clock: SteppedClock
    signs: list[tuple[str, float]]
    fails: bool = False

    async def renew(self) -> None:
        self.signs.append((self.name, round(self.clock.time)))
        if self.fails:
            raise SoopError(f"{self.name}: no answer")


def told(bounds: dict[str, int], until: float, fails: bool = False) -> list[tuple[str, float]]:
    signs: list[tuple[str, float]] = []

    async def run() -> None:
        clock = SteppedClock()
        nodes = {name: Told(name, clock, signs, fails) for name in bounds}
        given = SignsOfLife(cast("dict[str, Node]", nodes), clock)
        for name, within in bounds.items():
            given.begin(name, within)
        await clock.go_on(until)
        await given.end()
        before = len(signs)
        await clock.go_on(until * 2)
        assert len(signs) == before

    asyncio.run(run())
    return signs


def test_nodes_take_turns() -> None:
    assert told({"a": 600, "b": 600}, 400) == [("a", 100), ("b", 200), ("a", 300), ("b", 400)]


def test_nodes_on_which_all_is_accepted_get_none() -> None:
    assert told({"a": 0, "b": 30}, 20) == [("b", 5), ("b", 15)]


def test_a_node_that_does_not_answer_is_tried_again() -> None:
    assert told({"a": 30}, 20, fails=True) == [("a", 10), ("a", 20)]


def test_nodes_are_told_how_long_to_wait_for_an_acceptance() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.run())
    assert set(nodes.accept_within) == set(nodes.called("apply"))
    assert set(nodes.accept_within.values()) == {600}


def test_nodes_get_signs_of_life_while_another_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier deployment's apply may be at work on it for long."""
    given, real = asyncio.Event(), FakeNode.inspect

    async def inspect(self: FakeNode, *request: Any) -> Inspected:
        if self.name == "web-1":
            await given.wait()
        return (await real(self, *request))._replace(rolls_back_within=1)

    async def renew(self: FakeNode) -> None:
        given.set()

    monkeypatch.setattr(FakeNode, "inspect", inspect)
    monkeypatch.setattr(FakeNode, "renew", renew)
    nodes = Nodes(UPGRADE)
    asyncio.run(asyncio.wait_for(nodes.run(), 60))
    assert "web-1" in nodes.called("inspect")

"""Lets nodes know that their deployer is at work, so that they do not roll themselves back meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress

from soop_components.errors import SoopError
from soop_components.release.node import Node
from soop_components.waiting import Clock

_PER_BOUND = 3
"""Signs in the time that a node may be without one."""


class SignsOfLife:
    """Signs to nodes on which something is not accepted yet.

    They get them one after the other: should there be no more, the nodes do not all roll back at once.
    """

    def __init__(self, nodes: Mapping[str, Node], clock: Clock | None = None) -> None:
        self._nodes = nodes
        self._clock = clock or Clock()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def begin(self, name: str, within: int) -> None:
        """Give signs to a node which may be without one for so many seconds; none if that is 0."""
        if name in self._tasks:
            self._tasks.pop(name).cancel()
        if within:
            turn = (len(self._tasks) % len(self._nodes) + 1) / len(self._nodes)
            self._tasks[name] = asyncio.create_task(self._give(self._nodes[name], within / _PER_BOUND, turn))

    async def end(self) -> None:
        """Give no more."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _give(self, node: Node, interval: float, turn: float) -> None:
        """Wait for the node's turn, a share of the first interval; then give a sign in each."""
        await self._clock.sleep(interval * turn)
        while True:
            with suppress(SoopError, TimeoutError):  # the next request to the node says what is wrong with it
                async with asyncio.timeout(interval):
                    await node.renew()
            await self._clock.sleep(interval)

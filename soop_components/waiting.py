"""Waits until something is so, with a clock that tests can set, or until all work is done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_Found = TypeVar("_Found")


class Clock:
    """The clock of this computer; tests set one of their own."""

    def now(self) -> float:
        """Return seconds since some moment in the past."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Return after this time."""
        await asyncio.sleep(seconds)


async def wait_until(
    attempt: Callable[[], Awaitable[_Found]], seconds: float, pause: float, clock: Clock | None = None
) -> _Found:
    """Repeat ``attempt`` with pauses until it returns something true; return the last result when time is up.

    At least one attempt is made; none begins after ``seconds``.
    """
    clock = clock or Clock()
    deadline = clock.now() + seconds
    while not (found := await attempt()) and clock.now() + pause < deadline:
        await clock.sleep(pause)
    return found


async def wait_for_all(work: Iterable[Awaitable[_Found]]) -> list[_Found]:
    """Return all results in order; also after a failure, wait for the rest, then raise the first failure."""
    tasks = [asyncio.ensure_future(each) for each in work]
    await asyncio.gather(*tasks, return_exceptions=True)
    return [task.result() for task in tasks]

"""Lookups that are asked for at the same time, done together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

_Found = TypeVar("_Found")


class BatchedLookup(Generic[_Found]):
    """Looks the first name up at once, then all that were asked for meanwhile; no answer is older than its question."""

    def __init__(self, ask: Callable[[list[str]], Awaitable[Mapping[str, _Found]]]) -> None:
        self._ask = ask
        self._waiting: dict[str, asyncio.Future[_Found | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def get(self, name: str) -> _Found | None:
        """Return what is known of a name, None if nothing is."""
        if name not in self._waiting:
            self._waiting[name] = asyncio.get_running_loop().create_future()
        answer = self._waiting[name]
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._answer())
        return await asyncio.shield(answer)

    async def _answer(self) -> None:
        while self._waiting:
            asked, self._waiting = self._waiting, {}
            try:
                found = await self._ask(list(asked))
            except BaseException as error:
                for answer in asked.values():
                    answer.set_exception(error)
                if not isinstance(error, Exception):
                    raise
            else:
                for name, answer in asked.items():
                    answer.set_result(found.get(name))

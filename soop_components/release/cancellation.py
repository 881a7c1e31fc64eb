"""The engine's request that running operations end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from soop_components.errors import SoopError

_Result = TypeVar("_Result")


class Cancelled(SoopError):
    """The deployment was interrupted by its user."""

    def __init__(self) -> None:
        super().__init__("interrupted")


class Cancellation:
    """Set once, on the first Ctrl-C; operations look at it between steps."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def request(self) -> None:
        """Ask all operations to end."""
        self._event.set()

    def check(self) -> None:
        """Raise ``Cancelled`` if operations should end."""
        if self._event.is_set():
            raise Cancelled

    async def unless_requested(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Do work that may be abandoned at any moment; abandon it and raise ``Cancelled`` if operations should end."""
        task = asyncio.create_task(work)
        request = asyncio.create_task(self._event.wait())
        try:
            await asyncio.wait((task, request), return_when=asyncio.FIRST_COMPLETED)
        finally:
            finished = task.done()
            task.cancel()
            request.cancel()
            await asyncio.wait((task, request))
        if not finished:
            raise Cancelled
        return task.result()

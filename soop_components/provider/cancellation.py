"""The engine's wish that running operations come to an end."""

from __future__ import annotations

import asyncio

from soop_components.errors import SoopError


class Cancelled(SoopError):
    """The deployment was interrupted by its user."""

    def __init__(self) -> None:
        super().__init__("interrupted", "run `pulumi up` again to go on")


class Cancellation:
    """Set once, on the first Ctrl-C; operations look at it between steps."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def request(self) -> None:
        """Ask all operations to end."""
        self._event.set()

    @property
    def requested(self) -> bool:
        """Whether operations should end."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise ``Cancelled`` if operations should end."""
        if self.requested:
            raise Cancelled

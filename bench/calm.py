"""Waits until nobody else uses the processors, so that figures are about the tools and not about the neighbours."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

_CALM = 0.15
"""Share of all processors that others may use."""
_LOOK = 1.0
"""Seconds of one look."""


class Calm:
    """Waits at most ``patience`` seconds in all; after that it measures in whatever noise there is, and says so."""

    def __init__(self, patience: float, say: Callable[[str], None]) -> None:
        self._left = patience
        self._say = say
        self.busy: list[float] = []
        """Share of all processors that was in use right before each measurement."""

    def wait(self) -> None:
        """Return when the machine is calm."""
        said = False
        while (share := busy_share(_LOOK)) > _CALM and self._left > 0:
            if not said:
                self._say(f"waiting for the machine to be calm ({share:.0%} busy, load {os.getloadavg()[0]:.1f})")
                said = True
            time.sleep(2)
            self._left -= 2 + _LOOK
        self.busy.append(round(share, 2))


def busy_share(seconds: float) -> float:
    """Return the share of all processors that was in use for that long."""
    idle, total = _ticks()
    time.sleep(seconds)
    idle_then, total_then = _ticks()
    return 1 - (idle_then - idle) / max(total_then - total, 1)


def _ticks() -> tuple[int, int]:
    numbers = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return numbers[3] + numbers[4], sum(numbers)

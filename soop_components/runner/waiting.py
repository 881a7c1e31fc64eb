"""Waits for what comes by itself, by a clock that tests can set; of its own, since the runner travels alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")
now, sleep = time.monotonic, time.sleep
"""The clock, which tests set."""


def wait_until(attempt: Callable[[], _T], seconds: float, *pauses: float, good: Callable[[_T], bool] = bool) -> _T:
    """Repeat ``attempt`` until its result is good or the time is up; return its last result.

    At least one attempt is made; the last of the pauses between them is repeated.
    """
    deadline, tries = now() + seconds, 0
    while True:
        result = attempt()
        pause = pauses[min(tries, len(pauses) - 1)]
        if good(result) or now() + pause >= deadline:
            return result
        sleep(pause)
        tries += 1

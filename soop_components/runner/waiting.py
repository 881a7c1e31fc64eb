"""Waits for what comes by itself, by a clock that tests can set."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_T = TypeVar("_T")
now, sleep = time.monotonic, time.sleep
"""The clock, which tests set."""


def wait_until(
    attempt: Callable[[float], _T], good: Callable[[_T], bool], seconds: float, pauses: Sequence[float] = (0.5,)
) -> _T:
    """Call ``attempt`` with the seconds left until its result is good or the time is up; return its last result.

    It is called at least once; the last of the pauses between the calls is repeated.
    """
    deadline, tries = now() + seconds, 0
    while True:
        result = attempt(deadline - now())
        pause = pauses[min(tries, len(pauses) - 1)]
        if good(result) or now() + pause >= deadline:
            return result
        sleep(pause)
        tries += 1

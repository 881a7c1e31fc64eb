"""Waiting for what the kernel does a little later than it says; of its own, since root runs this folder alone."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep


def wait_until(attempt: Callable[[], bool], seconds: float, pause: float = 0.01) -> bool:
    """Repeat ``attempt`` until it returns true or the time is up; return its last result."""
    deadline = monotonic() + seconds
    while not attempt():
        if monotonic() > deadline:
            return False
        sleep(pause)
    return True

"""Waiting for what the kernel does a little later than it says."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep


def wait_until(holds: Callable[[], bool], seconds: float, pause: float = 0.01) -> bool:
    """Ask again and again until ``holds`` says yes; return whether it did within ``seconds``."""
    deadline = monotonic() + seconds
    while not holds():
        if monotonic() > deadline:
            return False
        sleep(pause)
    return True

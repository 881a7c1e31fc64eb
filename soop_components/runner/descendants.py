"""Ends a process with everything it has started, also what made itself a session of its own."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from soop_components.runner.process_stat import PARENT, stat_of
from soop_components.runner.waiting import wait_until

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 5.0
"""Seconds."""


class Descendants:
    """While it is entered, processes that lose their parent become children of this one."""

    def __enter__(self) -> Descendants:
        self._before = set(below(os.getpid()))
        self._adopt(True)
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._adopt(False)

    def end(self) -> None:
        """Kill all that descends from us and was not there before, until none is left; nobody else waits for it."""

        def are_gone() -> bool:
            left = set(below(os.getpid())) - self._before
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                with suppress(ChildProcessError):  # its parent is about to end, too
                    os.waitpid(pid, os.WNOHANG)
            return not left

        wait_until(are_gone, _PATIENCE, 0.01)

    def _adopt(self, adopt: bool) -> None:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def below(pid: int) -> list[int]:
    """Return the pids of all descendants of a process, with those that have ended and that nobody has waited for."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError):  # it ended this moment
                children.setdefault(int(stat_of(name)[PARENT]), []).append(int(name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        youngest = children.get(waiting.pop(), [])
        found += youngest
        waiting += youngest
    return found

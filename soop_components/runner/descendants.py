"""Ends a process with everything it has started, also what made itself a session of its own."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 500


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
        """Kill all that descends from us and was not there before, until none is left."""
        for _ in range(_ROUNDS):
            alive = set(below(os.getpid())) - self._before
            if not alive:
                return
            for pid in alive:
                _kill(pid)
            time.sleep(0.01)

    def reap(self, but: int) -> None:
        """Take the exit of adopted processes; that of ``but`` belongs to whoever started it."""
        for pid in set(below(os.getpid(), dead=True)) - self._before - {but}:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue

    def _adopt(self, adopt: bool) -> None:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


def below(pid: int, dead: bool = False) -> list[int]:
    """Return the pids of all descendants of a process, with those that nobody has waited for if ``dead``."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            parent = _parent(int(name), dead)
            if parent is not None:
                children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        youngest = children.get(waiting.pop(), [])
        found += youngest
        waiting += youngest
    return found


def _parent(pid: int, dead: bool) -> int | None:
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            state, parent = file.read().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" and not dead else int(parent)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

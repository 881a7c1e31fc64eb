"""Processes of a unit, as the kernel shows them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress

from soop_components.runner import waiting

CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")
"""Where control groups may be; systemd keeps its own in one or two of them."""
_QUIET = 0.2
"""Seconds in which no thread runs, after which a program counts as started."""
_BETWEEN_LOOKS = 0.025
_STATE = re.compile(r"^State:\t(.)", re.MULTILINE)
_SWITCHES = re.compile(r"^(?:non)?voluntary_ctxt_switches:\t(\d+)", re.MULTILINE)
_Steps = dict[str, tuple[str, ...]]


def members(group: str) -> list[str]:
    """Return the processes of a control group."""
    for base in CGROUPS:
        with suppress(OSError), open(f"{base}{group}/cgroup.procs", encoding="ascii") as file:
            return file.read().split()
    return []


def mapped(pid: str) -> set[str]:
    """Return the programs and libraries that a process runs; `` (deleted)`` follows those that are no longer there."""
    with suppress(OSError), open(f"/proc/{pid}/maps", encoding="utf-8", errors="replace") as file:
        parts = (line.rstrip("\n").split(maxsplit=5) for line in file if " r-xp " in line)
        return {part[5] for part in parts if len(part) > 5}
    return set()


def program(pid: str) -> str:
    """Return the program that a process runs, also if its file was replaced; empty if the process has ended."""
    with suppress(OSError):
        return os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)")
    return ""


def wait_until_quiet(groups: Collection[str], deadline: float, answering: Collection[str] = ()) -> None:
    """Return when all processes of these groups have slept for a while, at the latest at a time of the monotonic clock.

    One that computes, waits for a disk, comes, goes or is woken is not quiet; one that waits for requests is. Those of
    groups that are ``answering`` may be woken: under load that is what requests do.
    """
    before, since = _steps(groups, answering), waiting.now()

    def is_quiet() -> bool:
        nonlocal before, since
        if (after := _steps(groups, answering)) != before:
            before, since = after, waiting.now()
        return before is not None and waiting.now() - since >= _QUIET

    waiting.wait_until(is_quiet, deadline - waiting.now(), _BETWEEN_LOOKS)


def _steps(groups: Iterable[str], answering: Collection[str] = ()) -> _Steps | None:
    """Return how often each thread was switched to and from, only which processes there are in groups that answer.

    None while a thread does not sleep.
    """
    found: _Steps = {}
    for pid, may_wake in ((pid, group in answering) for group in groups for pid in members(group)):
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:  # it ended this moment
            return None
        for thread in threads:
            try:
                with open(f"/proc/{pid}/task/{thread}/status", encoding="ascii", errors="replace") as file:
                    status = file.read()
            except OSError:
                return None
            state = _STATE.search(status)
            if state is None or state[1] not in "SI":
                return None
            if may_wake:
                found[pid] = ()
            else:
                found[f"{pid}/{thread}"] = tuple(_SWITCHES.findall(status))
    return found

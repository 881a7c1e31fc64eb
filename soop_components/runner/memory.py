"""Counts the processes that the kernel has killed since there was no memory left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

_OWN_GROUPS = "/proc/self/cgroup"
_GROUPS = "/sys/fs/cgroup"
_OF_ALL = "/proc/vmstat"


def kills() -> int:
    """Return how many it has killed so far in our control group; of the whole machine where a group does not say."""
    for path in (*_counters(), _OF_ALL):
        with suppress(OSError), open(path, encoding="ascii") as file:
            return next((int(line.split()[1]) for line in file if line.startswith("oom_kill ")), 0)
    return 0


def _counters() -> Iterator[str]:
    """Yield the files that may count for our group: its own, or with cgroups v2 that of a group above it."""
    with suppress(OSError), open(_OWN_GROUPS, encoding="ascii", errors="replace") as file:
        for _, controllers, group in (line.rstrip("\n").split(":", 2) for line in file):
            if "memory" in controllers.split(","):
                yield f"{_GROUPS}/memory{group.rstrip('/')}/memory.oom_control"
            while not controllers and group.strip("/"):
                yield f"{_GROUPS}{group}/memory.events"
                group = group.rpartition("/")[0]

"""A control group per machine on hosts whose first process is not systemd.

Without groups of their own machines would share one: systemd in one machine would then see the other machines' services as its own.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from .failure import Refused

_TOP = "soop"
_CPU_PERIOD = 100_000
_CPUSET = ("cpuset.cpus", "cpuset.mems")


def create(group: str, cpus: int, memory: int) -> list[Path]:
    """Make the group (``<realm>/<machine>``) in all hierarchies, with limits as far as the host has them."""
    folders = []
    for hierarchy in _hierarchies():
        folder = hierarchy
        for part in (_TOP, *group.split("/")):
            _share_controllers(folder)
            folder = folder / part
            try:
                folder.mkdir(exist_ok=True)
            except OSError as error:
                raise Refused(f"no control group can be made in {hierarchy}: {error.strerror}") from error
            _inherit_cpuset(folder)
        _write(folder / "memory.limit_in_bytes", str(memory))
        _write(folder / "memory.max", str(memory))
        _write(folder / "cpu.cfs_quota_us", str(cpus * _CPU_PERIOD))
        _write(folder / "cpu.max", f"{cpus * _CPU_PERIOD} {_CPU_PERIOD}")
        folders.append(folder)
    return folders


def remove(group: str) -> None:
    """Remove the group, which has no processes any more, and the groups above it that are empty then."""
    for hierarchy in _hierarchies():
        top = hierarchy / _TOP
        for folder, _, _ in os.walk(top / group, topdown=False):
            with suppress(OSError):
                os.rmdir(folder)
        for folder in (top / group.partition("/")[0], top):
            with suppress(OSError):
                os.rmdir(folder)


def _hierarchies() -> list[Path]:
    """Return where control groups are mounted, of either version."""
    found = []
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            before, _, after = line.partition(" - ")
            if after.startswith(("cgroup ", "cgroup2 ")):
                found.append(Path(before.split()[4]))
    return found


def _share_controllers(folder: Path) -> None:
    """Let the groups below ``folder`` have limits (version 2 only)."""
    for controller in ("cpu", "memory", "pids"):
        _write(folder / "cgroup.subtree_control", f"+{controller}")


def _inherit_cpuset(folder: Path) -> None:
    """Fill in what a group of version 1 must have before a process can join it."""
    for name in _CPUSET:
        with suppress(OSError):
            if not (folder / name).read_text().strip():
                (folder / name).write_text((folder.parent / name).read_text())


def _write(path: Path, value: str) -> None:
    """Set what the host offers; a limit that it does not know is left out."""
    with suppress(OSError), open(path, "r+", encoding="ascii") as file:
        file.write(value)

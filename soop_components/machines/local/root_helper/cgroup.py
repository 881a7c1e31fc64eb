"""A control group per machine on hosts whose first process is not systemd.

Without groups of their own machines would share one: systemd in one machine would then see the other machines'
services as its own.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from . import mounts, process
from .failure import Refused
from .waiting import wait_until

_PATIENCE = 5.0
_CPU_PERIOD = 100_000
_CPUSET = ("cpuset.cpus", "cpuset.mems")


def create(group: str, cpus: int, memory: int) -> list[Path]:
    """Make the group in all hierarchies, with limits as far as the host has them."""
    folders = []
    for hierarchy in _hierarchies():
        folder = hierarchy / group
        for controller in ("cpu", "memory", "pids"):  # of version 2, which lets groups have limits only then
            _write(hierarchy / "cgroup.subtree_control", f"+{controller}")
        try:
            folder.mkdir(exist_ok=True)
        except OSError as error:
            raise Refused(f"no control group can be made in {hierarchy}: {error.strerror}") from error
        _inherit_cpuset(folder)
        folders.append(folder)
    limit(folders, cpus, memory)
    return folders


def of(group: str) -> list[Path]:
    """Return the group's folders in all hierarchies."""
    return [folder for hierarchy in _hierarchies() if (folder := hierarchy / group).is_dir()]


def limit(folders: Iterable[Path], cpus: int, memory: int) -> bool:
    """Set limits as far as the host has them; return False if it refuses one: there is more memory in use."""
    values = {
        "memory.limit_in_bytes": str(memory),
        "memory.max": str(memory),
        "cpu.cfs_quota_us": str(cpus * _CPU_PERIOD),
        "cpu.max": f"{cpus * _CPU_PERIOD} {_CPU_PERIOD}",
    }
    taken = [_write(folder / name, value) for folder in folders for name, value in values.items()]
    return all(taken)


def members(group: str) -> set[int]:
    """Return the processes in the group and the groups in it."""
    found: set[int] = set()
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / group):
            with suppress(OSError), open(f"{folder}/cgroup.procs", encoding="ascii") as file:
                found.update(int(line) for line in file)
    return found


def remove(group: str) -> None:
    """Remove the group, whose processes have ended."""
    for hierarchy in _hierarchies():
        for folder, _, _ in os.walk(hierarchy / group, topdown=False):
            # The kernel may count a process for some moments after its end.
            if not wait_until(partial(_is_removed, folder), _PATIENCE):
                users = ", ".join(process.named(members(group))) or "something that is no process"
                raise Refused(f"the control group {folder} cannot be removed: it is in use by {users}")


def _is_removed(folder: str) -> bool:
    try:
        with suppress(FileNotFoundError):
            os.rmdir(folder)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise Refused(f"the control group {folder} cannot be removed: {error.strerror}") from error
        return False
    return True


def _hierarchies() -> list[Path]:
    """Return where control groups are mounted, of either version."""
    return [path for path, kind, _ in mounts.all_mounts() if kind in ("cgroup", "cgroup2")]


def _inherit_cpuset(folder: Path) -> None:
    """Fill in what a group of version 1 must have before a process can join it."""
    for name in _CPUSET:
        with suppress(OSError):
            if not (folder / name).read_text().strip():
                (folder / name).write_text((folder.parent / name).read_text())


def _write(path: Path, value: str) -> bool:
    """Set what the host offers, and return False if it refuses that; a limit that it does not know is left out."""
    try:
        with open(path, "r+", encoding="ascii") as file:
            file.write(value)
    except OSError:
        return not path.exists()
    return True

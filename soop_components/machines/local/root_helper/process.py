"""Processes of machines, found by what they are and never by a remembered number."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from .failure import Refused
from .waiting import wait_until

_PROGRAM = b"systemd-nspawn"
_KILL_PATIENCE = 20.0
"""Seconds within which a killed process must be gone."""


def supervisors() -> dict[Path, int]:
    """Return the processes that run machines by the machines' root folders."""
    found: dict[int, tuple[int, Path]] = {}
    for pid in _pids():
        root = _root_of(pid)
        if root is not None:
            found[pid] = (_parent(pid), root)
    # A supervisor's child has its command line until it becomes the machine's init.
    return {root: pid for pid, (parent, root) in found.items() if parent not in found}


def supervisor(root: Path) -> int | None:
    """Return the process that runs the machine with this root folder."""
    return supervisors().get(root)


def end(root: Path, patience: float) -> None:
    """Let the machine with this root folder shut down in ``patience`` seconds, then kill it."""
    pid = supervisor(root)
    if pid is None:
        return
    with _handle_of(pid) as handle:
        # The handle pins the process: if it is still the machine's now, it is so when the signal is sent.
        if handle is None or _root_of(pid) != root:
            return
        if patience > 0:
            _signal(handle, signal.SIGTERM)
            if _ended(handle, patience):
                return
        _signal(handle, signal.SIGKILL)
        if not _ended(handle, _KILL_PATIENCE):
            raise Refused(f"process {pid} of {root} does not end")


def kill_all(remaining: Callable[[], set[int]]) -> None:
    """Kill all that is left of a machine, and wait until it is gone.

    What a killed supervisor ran lives on without it.
    """

    def are_gone() -> bool:
        pids = remaining()
        with ExitStack() as stack:
            handles = {pid: stack.enter_context(_handle_of(pid)) for pid in pids}
            # The handles pin the processes: those that still belong there now are the ones that get the signal.
            for pid in pids & remaining():
                handle = handles[pid]
                if handle is not None:
                    _signal(handle, signal.SIGKILL)
        return not pids

    if not wait_until(are_gone, _KILL_PATIENCE):
        raise Refused(f"processes of a machine do not end: {', '.join(named(remaining()))}")


def in_namespace(namespace: Path) -> set[int]:
    """Return the processes in a network namespace."""
    try:
        wanted = os.stat(namespace)
    except FileNotFoundError:
        return set()
    found = set()
    for pid in _pids():
        with suppress(OSError):
            if os.path.samestat(os.stat(f"/proc/{pid}/ns/net"), wanted):
                found.add(pid)
    return found


def users_of(folder: Path) -> set[int]:
    """Return the processes that work in a folder, run a program in it, or have a file in it open or mapped."""
    return {pid for pid in _pids() if any(path.is_relative_to(folder) for path in _paths_of(pid))}


def named(pids: Iterable[int]) -> list[str]:
    """Return processes as people know them: ``bash (1234)``."""
    found = []
    for pid in sorted(pids):
        with suppress(OSError):
            found.append(f"{Path(f'/proc/{pid}/comm').read_text(errors='replace').strip()} ({pid})")
    return found


def _paths_of(pid: int) -> Iterator[Path]:
    own = Path(f"/proc/{pid}")
    with suppress(OSError):
        for link in (own / "cwd", own / "root", own / "exe", *(own / "fd").iterdir(), *(own / "map_files").iterdir()):
            with suppress(OSError):
                yield link.readlink()


def _pids() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]


def _root_of(pid: int) -> Path | None:
    """Return the root folder of the machine that a process of root runs."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            argv = file.read().split(b"\0")
        owner = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return None
    if owner != 0 or os.path.basename(argv[0]) != _PROGRAM:
        return None
    folders = [part.partition(b"=")[2] for part in argv if part.startswith(b"--directory=")]
    return Path(os.fsdecode(folders[0])) if len(folders) == 1 else None


def _parent(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[1])
    except OSError:
        return 0


@contextmanager
def _handle_of(pid: int) -> Iterator[int | None]:
    """Yield a handle that stays with this very process, None if it is gone."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _signal(handle: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, number)


def _ended(handle: int, patience: float) -> bool:
    return bool(select.select([handle], [], [], patience)[0])

"""Locks: files in ``/run/soop``, whose folders come and go with who needs them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on a file that may be removed by its holder; yield whether it is held.

    It is not where somebody else has it and ``wait`` is false.
    """
    while True:
        make_run_folder(path.parent)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            continue
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            if _is_still(path, descriptor):
                # Programs that are run meanwhile hold the lock too: one may go on for a moment when we are killed.
                os.set_inheritable(descriptor, True)
                yield True
                return
        finally:
            os.close(descriptor)


def make_run_folder(folder: Path, mode: int = 0o755) -> None:
    """Make a folder in ``/run/soop`` with the given mode, and those above it for everybody to see."""
    while not folder.is_dir():
        # Whoever removes the last machine may remove a folder above it meanwhile.
        with suppress(FileNotFoundError):
            for path in reversed((folder, *folder.parents)):
                with suppress(FileExistsError):
                    path.mkdir(mode=mode if path == folder else 0o755)


def _is_still(path: Path, descriptor: int) -> bool:
    """Return whether the open file is the one at ``path``."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False

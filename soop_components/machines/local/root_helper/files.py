"""Files and folders opened without following links.

Users own the folders around a machine's, and the machine's root fills the layers in it: both may put a link anywhere,
at any moment. So each folder is opened from the one above it, and used by the path of its descriptor.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from .failure import Refused

_FOLDER = os.O_PATH | os.O_DIRECTORY


def open_folder(stack: ExitStack, name: str | Path, parent: int | None = None) -> int:
    """Open a folder, in the open folder ``parent`` if given; a link in its place is a ``NotADirectoryError``."""
    descriptor = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=parent)
    stack.callback(os.close, descriptor)
    return descriptor


def path_of(descriptor: int) -> Path:
    """Return a path to what is open, also for programs that run meanwhile, whatever is renamed."""
    return Path(f"/proc/{os.getpid()}/fd/{descriptor}")


def shown(path: Path) -> str:
    """Return the name by which people know the file."""
    return f"{os.path.realpath(path.parent)}/{path.name}"


@contextmanager
def opened(path: Path, flags: int = os.O_RDONLY) -> Iterator[int]:
    """Open a file; a link in its place is an ``OSError``."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def new_file(path: Path, mode: int) -> IO[str]:
    """Make a file, in place of whatever has its name."""
    with suppress(FileNotFoundError):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    os.fchmod(descriptor, mode)
    return open(descriptor, "w", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, None if there is none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused(f"{shown(path)} cannot be read: {error}") from error


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file, under its lock; it is the old or the new one at any moment, also after a power cut."""
    temporary = path.with_name(f".{path.name}.new")
    with new_file(temporary, 0o644) as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)

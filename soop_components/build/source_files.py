"""Files of a service definition that go into an artifact: chosen by path, never outside of its folder."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from soop_components.errors import InvalidInput

IGNORED_NAMES = frozenset({"__pycache__", ".git", ".DS_Store", ".pytest_cache", ".mypy_cache", ".ruff_cache"})
IGNORED_ENDINGS = (".pyc", "~", ".swp")
"""What tools leave behind in a folder; it never gets into an artifact, so that running a program does not change it."""

_MAXIMUM_PATH = 400
_MAXIMUM_FILES = 20_000
_MAXIMUM_SIZE = 2**30
"""Bytes of all files that one path names."""


@dataclass(frozen=True)
class SourceFile:
    """A regular file on disk and the mode it gets."""

    path: Path
    mode: str

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """Take a file; whoever may execute it, everybody may."""
        return cls(path, "0755" if path.stat().st_mode & 0o111 else "0644")


def collect(folder: Path, source: str) -> dict[str, SourceFile]:
    """Return the files that a path of a service definition names: itself, or all below a folder.

    A link to a file inside the service definition counts as a copy of that file. ``InvalidInput`` lists links that lead
    elsewhere, devices and other things that cannot be packed.
    """
    problems: list[str] = []
    found: dict[str, SourceFile] = {}
    start = source.rstrip("/")
    way = os.path.realpath((folder / start).parent)
    if way != os.path.join(os.path.realpath(folder), os.path.dirname(start)).rstrip("/"):
        raise InvalidInput([f"{source}: a folder on the way is a link; only links to files are packed"])
    size = 0
    names = cache(lambda: _names(folder))
    for relative in _walk(folder, start, problems):
        problem = _name_problem(relative)
        status = (folder / relative).stat()
        size += status.st_size
        if problem:
            problems.append(f"{relative!r}: {problem}")
        elif not os.access(folder / relative, os.R_OK):
            problems.append(f"{relative}: cannot be read: Permission denied")
        elif status.st_nlink > 1 and status.st_nlink > names()[status.st_dev, status.st_ino]:
            problems.append(f"{relative}: is a hard link to a file outside of the service definition; copy it instead")
        elif len(found) >= _MAXIMUM_FILES or size > _MAXIMUM_SIZE:
            raise InvalidInput([f"{relative}: {source} is more than {_MAXIMUM_FILES} files or 1 GiB"])
        else:
            found[relative] = SourceFile.of(folder / relative)
    if not found and not problems:
        problems.append(f"{source}: has no file in it" if (folder / start).is_dir() else f"{source}: no such file")
    if source.endswith("/") and start in found:
        problems.append(f"{source}: is a file, not a folder; leave out the final /")
    if problems:
        raise InvalidInput(problems)
    return found


def _walk(folder: Path, relative: str, problems: list[str]) -> Iterator[str]:
    """Yield the paths of the regular files, and of links to such, at and below ``relative``."""
    path = folder / relative
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield from _link(folder, relative, problems)
        elif stat.S_ISDIR(mode):
            for name in sorted(os.listdir(path)):
                if name not in IGNORED_NAMES and not name.endswith(IGNORED_ENDINGS):
                    yield from _walk(folder, f"{relative}/{name}", problems)
        elif stat.S_ISREG(mode):
            yield relative
        else:
            problems.append(f"{relative}: is neither a file nor a folder")
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(f"{relative}: cannot be read: {error.strerror}")


def _link(folder: Path, relative: str, problems: list[str]) -> Iterator[str]:
    path = folder / relative
    target = os.readlink(path)
    inside = os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
    if os.path.isabs(target) or not inside:
        problems.append(f"{relative}: is a link that leads out of the service definition, to {target}")
    elif path.is_dir():
        problems.append(f"{relative}: is a link to a folder; only links to files are packed")
    elif not path.is_file():
        problems.append(f"{relative}: is a link to {target}, which is not a file")
    else:
        yield relative


def _names(folder: Path) -> Counter[tuple[int, int]]:
    """Count the names that each file has inside the service definition."""
    paths = (os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return Counter((found.st_dev, found.st_ino) for found in map(os.lstat, paths))


def _name_problem(relative: str) -> str | None:
    if not relative.isprintable():
        return "a file's name must be printable"
    if len(relative) > _MAXIMUM_PATH:
        return f"a path has at most {_MAXIMUM_PATH} characters"
    return None

"""Files of a service definition that go into an artifact: chosen by path, never outside of its folder."""

from __future__ import annotations

import io
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from soop_components.build.program_folder import program_of
from soop_components.errors import InvalidInput

IGNORED_NAMES = frozenset({"__pycache__", ".git", ".DS_Store", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".venv"})
IGNORED_ENDINGS = (".pyc", "~", ".swp")
"""What tools leave behind in a folder; it never gets into an artifact, so that running a program does not change it."""

_MAXIMUM_PATH = 400
_MAXIMUM_FILES = 20_000
_MAXIMUM_SIZE = 2**30
"""Bytes of all files that one path names."""
_FIRST_LINE = 200
"""Bytes of a program that are looked at for the line that says what runs it."""


@dataclass(frozen=True)
class SourceFile:
    """A regular file on disk, or a folder that becomes one, and the mode it gets."""

    path: Path
    mode: str
    link: str | None = None
    """What it points to, if it is a link inside a folder that is packed and stays one."""

    @classmethod
    def of(cls, path: Path) -> SourceFile:
        """Take a file, which everybody may execute if anybody may; or the folder of a program."""
        return cls(path, "0755" if path.stat().st_mode & 0o111 else "0644")

    def open(self) -> BinaryIO:
        """Return what is in it."""
        return io.BytesIO(program_of(self.path)) if self.path.is_dir() else self.path.open("rb")


def collect(folder: Path, source: str, notes: list[str] | None = None) -> dict[str, SourceFile]:
    """Return the files that a path of a service definition names: itself, or all below a folder.

    Links inside the folder stay links; a path that is itself a link to a file inside the service definition counts as a
    copy of it. ``InvalidInput`` lists links that lead elsewhere, devices and other things that cannot be packed. To
    ``notes`` is added what is left out and might be missed.
    """
    problems: list[str] = []
    found: dict[str, SourceFile] = {}
    start = source.rstrip("/")
    way = os.path.realpath((folder / start).parent)
    if way != os.path.join(os.path.realpath(folder), os.path.dirname(start)).rstrip("/"):
        raise InvalidInput([f"{source}: a folder on the way is a link; only links to files are packed"])
    size = 0
    names = cache(lambda: _names(folder))
    for relative in _walk(folder, start, problems, [] if notes is None else notes):
        link = os.readlink(folder / relative) if relative != start and (folder / relative).is_symlink() else None
        size += 0 if link else (folder / relative).stat().st_size
        if len(found) >= _MAXIMUM_FILES or size > _MAXIMUM_SIZE:
            raise InvalidInput([f"{relative}: {source} is more than {_MAXIMUM_FILES} files or 1 GiB"])
        if not relative.isprintable():
            problems.append(f"{relative!r}: a file's name must be printable")
            continue
        problem = _link_problem(folder, start, relative, link) if link else _file_problem(folder / relative, names)
        if len(relative) > _MAXIMUM_PATH:
            problem = f"a path has at most {_MAXIMUM_PATH} characters"
        if problem:
            problems.append(f"{relative}: {problem}")
        else:
            found[relative] = SourceFile(folder / relative, "0777", link) if link else SourceFile.of(folder / relative)
    problems += _lost_links(folder, found)
    if not found and not problems:
        problems.append(f"{source}: has no file in it" if (folder / start).is_dir() else f"{source}: no such file")
    if source.endswith("/") and start in found:
        problems.append(f"{source}: is a file, not a folder; leave out the final /")
    if problems:
        raise InvalidInput(problems)
    return found


def _walk(folder: Path, relative: str, problems: list[str], notes: list[str], inside: bool = False) -> Iterator[str]:
    """Yield the paths of the regular files, and of links, at and below ``relative``."""
    path = folder / relative
    try:
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode):
            yield from [relative] if inside else _copied(folder, relative, problems)
        elif stat.S_ISDIR(mode):
            names = sorted(os.listdir(path))
            if inside and not names:
                notes.append(
                    f"{relative}/ is empty and left out, as git would; name it in `directories` if it must be there"
                )
            for name in names:
                if name not in IGNORED_NAMES and not name.endswith(IGNORED_ENDINGS):
                    yield from _walk(folder, f"{relative}/{name}", problems, notes, True)
        elif stat.S_ISREG(mode):
            yield relative
        else:
            problems.append(f"{relative}: is neither a file nor a folder")
    except FileNotFoundError:
        return
    except OSError as error:
        problems.append(f"{relative}: cannot be read: {error.strerror}")


def _copied(folder: Path, relative: str, problems: list[str]) -> Iterator[str]:
    """Yield the path that a definition names, if it is a link to a file inside the definition."""
    path = folder / relative
    target = os.readlink(path)
    inside = os.path.realpath(path).startswith(os.path.realpath(folder) + os.sep)
    if os.path.isabs(target) or not inside:
        problems.append(f"{relative}: is a link that leads out of the service definition, to {target}")
    elif not path.is_file():
        problems.append(f"{relative}: is a link to {target}, which is not a file")
    else:
        yield relative


def _link_problem(folder: Path, start: str, relative: str, target: str) -> str | None:
    """Say why a link below the folder ``start`` cannot stay a link wherever that folder is put."""
    steps = [part for part in target.split("/") if part not in ("", ".")]
    up = next((number for number, part in enumerate(steps) if part != ".."), len(steps))
    depth = relative.removeprefix(start).count("/") - 1
    real, top = os.path.realpath(folder / relative), os.path.realpath(folder / start)
    if target.startswith("/") or up > depth or ".." in steps[up:] or not real.startswith(top + os.sep):
        return f"is a link that leads out of {start}/, to {target}; put a copy there, or pack the folder that has both"
    return None if os.path.exists(real) else f"is a link to {target}, which is not there"


def _lost_links(folder: Path, found: Mapping[str, SourceFile]) -> Iterator[str]:
    """Yield the problem of each link to what is not packed itself."""
    packed = {str(path) for name in found for path in (PurePosixPath(name), *PurePosixPath(name).parents)}
    top = os.path.realpath(folder)
    for relative, file in found.items():
        if file.link and os.path.relpath(os.path.realpath(file.path), top) not in packed:
            yield f"{relative}: is a link to {file.link}, which is not packed"


def _file_problem(path: Path, names: Callable[[], Counter[tuple[int, int]]]) -> str | None:
    status = path.stat()
    if not os.access(path, os.R_OK):
        return "cannot be read: Permission denied"
    if status.st_nlink > 1 and status.st_nlink > names()[status.st_dev, status.st_ino]:
        return "is a hard link to a file outside of the service definition; copy it instead"
    return line_end_problem(path)


def line_end_problem(path: Path) -> str | None:
    """Say that the first line of a program ends with CRLF: the kernel finds no interpreter of that name."""
    if path.is_dir():
        return None
    with path.open("rb") as file:
        first = file.readline(_FIRST_LINE)
    if first.startswith(b"#!") and first.endswith(b"\r\n"):
        return "its first line ends with CRLF, so that it cannot be run; save it with the line ends of Unix"
    return None


def _names(folder: Path) -> Counter[tuple[int, int]]:
    """Count the names that each file has inside the service definition."""
    paths = (os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return Counter((found.st_dev, found.st_ino) for found in map(os.lstat, paths))

"""Mounts below ``/run/soop``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from . import process
from .command import run
from .failure import Refused
from .waiting import wait_until

_OCTAL = re.compile(r"\\([0-7]{3})")
_PATIENCE = 5.0
"""Seconds for which a mount may be busy with processes that are about to be gone."""


def all_mounts() -> Iterator[tuple[Path, str, str]]:
    """Yield mount point, type of file system and source of all that is mounted on the host."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            before, _, after = line.rstrip("\n").partition(" - ")
            kind, source = after.split(" ")[:2]
            yield Path(_decoded(before.split(" ")[4])), kind, _decoded(source)


def table() -> dict[Path, str]:
    """Return what is mounted where on the host: sources by mount points."""
    return {path: source for path, _, source in all_mounts()}


def source(path: Path) -> str:
    """Return what is mounted at ``path``."""
    return table()[path]


def unmount(path: Path) -> None:
    """Unmount all that is mounted at ``path``; not mounted is fine."""

    def is_gone() -> bool:
        if path in table():
            with suppress(Refused):
                run("umount", str(path))
        return path not in table()

    if not wait_until(is_gone, _PATIENCE, pause=0.05):
        inside = sorted(each for each in table() if each != path and each.is_relative_to(path))
        users = [*process.named(process.users_of(path)), *(f"the mount {each}" for each in inside)]
        if users:
            raise Refused(f"{path} is in use by {', '.join(users)}", "end what uses it, then try again")
        run("umount", str(path))  # and let it say what else is wrong


def _decoded(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)

"""Mounts below ``/run/soop``."""

from __future__ import annotations

import re
from pathlib import Path
from time import monotonic, sleep

from .command import run
from .failure import Refused

_OCTAL = re.compile(r"\\([0-7]{3})")
_PATIENCE = 5.0
"""Seconds for which a mount may be busy with processes that are about to be gone."""


def table() -> dict[Path, str]:
    """Return what is mounted where on the host: sources by mount points."""
    found = {}
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            before, _, after = line.rstrip("\n").partition(" - ")
            found[Path(_decoded(before.split(" ")[4]))] = _decoded(after.split(" ")[1])
    return found


def is_mounted(path: Path) -> bool:
    """Tell whether something is mounted right at ``path``."""
    return path in table()


def source(path: Path) -> str:
    """Return what is mounted at ``path``."""
    return table()[path]


def unmount(path: Path) -> None:
    """Unmount all that is mounted at ``path``; not mounted is fine."""
    deadline = monotonic() + _PATIENCE
    while is_mounted(path):
        try:
            run("umount", str(path))
        except Refused:
            if monotonic() > deadline:
                raise
            sleep(0.05)


def _decoded(text: str) -> str:
    return _OCTAL.sub(lambda match: chr(int(match[1], 8)), text)

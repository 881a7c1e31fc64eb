"""Remembers which artifacts were found unharmed, so that a run that changes nothing does not read all of them again.

A blob that was written since is noticed by the times of its file, and read again; what a disk changes by itself is
noticed where a blob is sent to a node.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from soop_components.whole_file import write_whole

_MAXIMUM = 4 * 2**20


class VerifiedBlobs:
    """A file with what ``lstat`` said of the blobs of each artifact when they were verified; losing it does no harm."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def are_unchanged(self, digest: str, files: Sequence[Path]) -> bool:
        """Return whether these files of an artifact are those that were verified."""
        known = self._read().get(digest)
        return known is not None and known == _file_states(files)

    def remember(self, digest: str, files: Sequence[Path]) -> None:
        """Remember that these files of an artifact have been verified."""
        text = json.dumps({**self._read(), digest: _file_states(files)})
        if len(text) > _MAXIMUM:
            text = json.dumps({digest: _file_states(files)})
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self._path, text.encode(), 0o600)

    def _read(self) -> dict[str, Any]:
        try:
            with self._path.open(encoding="utf-8") as file:
                found = json.loads(file.read(_MAXIMUM))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def _file_states(files: Sequence[Path]) -> list[list[Any]] | None:
    """Return what becomes different when one of the files is written, replaced or removed; None if one is missing."""
    try:
        found = [(str(file), file.lstat()) for file in files]
    except OSError:
        return None
    return [[name, at.st_ino, at.st_mode, at.st_size, at.st_mtime_ns, at.st_ctime_ns] for name, at in found]

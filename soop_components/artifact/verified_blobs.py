"""Remembers which artifacts were found whole, so that a run that changes nothing does not read them all again.

What was written since is seen by the times of its file and read again; what a disk changes by itself is seen where a
blob is sent to a node.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_MAXIMUM = 4 * 2**20


class Checked:
    """A file with what identified the blobs of an artifact when they were checked; it can be lost without harm."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def holds(self, digest: str, files: Sequence[Path]) -> bool:
        """Tell whether these files of an artifact are those that were checked."""
        found = self._read().get(digest)
        return found is not None and found == _identities(files)

    def note(self, digest: str, files: Sequence[Path]) -> None:
        """Remember that these files of an artifact have been checked."""
        text = json.dumps({**self._read(), digest: _identities(files)})
        if len(text) > _MAXIMUM:
            text = json.dumps({digest: _identities(files)})
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}-")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(temporary, self._path)

    def _read(self) -> dict[str, Any]:
        try:
            with self._path.open(encoding="utf-8") as file:
                found = json.loads(file.read(_MAXIMUM))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def _identities(files: Sequence[Path]) -> list[list[Any]] | None:
    """Return what becomes different when one of the files is written, replaced or removed."""
    try:
        found = [(str(file), file.lstat()) for file in files]
    except OSError:
        return None
    return [[name, at.st_ino, at.st_mode, at.st_size, at.st_mtime_ns, at.st_ctime_ns] for name, at in found]

"""Files and programs on the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from typing import Any

Answer = dict[str, Any]
KEPT = "/var/lib/soop"
"""Where the runner keeps what it knows, too."""


class RefusedError(Exception):
    """Something that a person has to see to."""


def replace(path: str, text: str, mode: int, uid: int, gid: int) -> None:
    """Write a file as a whole."""
    descriptor, temporary = tempfile.mkstemp(prefix=".soop-", dir=os.path.dirname(path))
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            os.fchown(file.fileno(), uid, gid)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def remove(path: str) -> None:
    """Remove a file, or a folder with all that is in it; the absent is fine."""
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def output(*argv: str) -> str:
    """Return what a program says; nothing if it fails, or is not there."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""

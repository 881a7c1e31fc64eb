"""Files that are replaced in one step, so that nobody ever reads half of one."""

from __future__ import annotations

import os
import threading
from pathlib import Path


def write_whole(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Replace a file once its new content is on the disk; it keeps its mode, a new one gets ``mode`` less the umask."""
    fresh = path.with_name(f".{path.name}.{threading.get_native_id()}")
    kept = path.stat().st_mode & 0o777 if path.exists() else None
    try:
        created = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode if kept is None else kept)
        with open(created, "wb") as file:
            if kept is not None:
                os.fchmod(created, kept)  # the umask may have taken some of it
            file.write(content)
            file.flush()
            os.fsync(created)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)

"""The host's limit on inotify instances.

Systemd takes seven in each machine, and a host allows root 128 in all unless it was told otherwise: too few for 18.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .folders import RUN

_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_BEFORE = RUN / "max_user_instances"
"""Remembers what the host had."""
_ENOUGH = 8192


def widen() -> None:
    """Raise the limit until the last network is removed or the host goes down; a host that forbids it keeps its own."""
    with suppress(OSError):
        before = int(_INSTANCES.read_text())
        if before < _ENOUGH:
            if not _BEFORE.exists():
                _BEFORE.write_text(str(before))
            _INSTANCES.write_text(str(_ENOUGH))


def restore() -> None:
    """Set the limit back to what the host had, unless somebody else has changed it since."""
    with suppress(OSError):
        before = int(_BEFORE.read_text())
        if int(_INSTANCES.read_text()) == _ENOUGH:
            _INSTANCES.write_text(str(before))
        _BEFORE.unlink()

"""The host's limit on inotify instances.

Systemd takes seven in each machine, and a host allows root 128 in all by default: too few for 18.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from .failure import Refused
from .folders import RUN

_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_BEFORE = RUN / "max_user_instances"
"""Remembers what the host had."""
_ENOUGH = 8192
_PER_MACHINE = 7


def raise_limit(machines: int) -> None:
    """Raise the limit until the last network is removed or the host goes down.

    A host that forbids it must have enough for so many machines.
    """
    instances = int(_INSTANCES.read_text())
    if instances >= _ENOUGH:
        return
    try:
        if not _BEFORE.exists():
            _BEFORE.write_text(str(instances))
        _INSTANCES.write_text(str(_ENOUGH))
    except OSError as error:
        if instances < machines * _PER_MACHINE:
            message = f"the host's {instances} inotify instances are too few for {machines} machines"
            raise Refused(message, f"as root of the host: sysctl fs.inotify.max_user_instances={_ENOUGH}") from error


def restore() -> None:
    """Set the limit back to what the host had, unless somebody else has changed it since."""
    with suppress(OSError):
        before = int(_BEFORE.read_text())
        if int(_INSTANCES.read_text()) == _ENOUGH:
            _INSTANCES.write_text(str(before))
        _BEFORE.unlink()

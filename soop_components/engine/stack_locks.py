"""Locks of stacks in a file backend: who holds them, and whether that process still lives.

Format: ``.pulumi/locks/organization/<project>/<stack>/<id>.json``, Pulumi's pkg/backend/diy/lock.go.
"""

from __future__ import annotations

import json
import os
import socket
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from soop_components.runner.process_stat import STARTED, STATE, stat_of

_CLOCK_SLACK = 5.0
"""Seconds by which a process may seem younger than its lock, since the kernel's and the clock's time drift apart."""

_WRITING = 5.0
"""Seconds after which a lock that cannot be read is not being written any more."""
_NOBODY = 0
"""The process of a lock that does not say whose it is."""


class Lock(BaseModel):
    """A process's claim on a stack."""

    pid: int
    user: str = Field(alias="username")
    host: str = Field(alias="hostname")
    since: datetime = Field(alias="timestamp")

    @classmethod
    def parse(cls, content: str) -> Lock | None:
        """Read a lock file's content; None if it was cut off or is no lock."""
        try:
            return cls.model_validate_json(content)
        except ValidationError:
            return None

    @property
    def is_here(self) -> bool:
        """Whether it was taken on this host."""
        return self.host == socket.gethostname()

    @property
    def is_dead(self) -> bool:
        """Whether its process is known to be gone: only ever true of a lock of this host."""
        if not self.is_here:
            return False
        started = _started(self.pid)
        return started is None or started > self.since.timestamp() + _CLOCK_SLACK

    def __str__(self) -> str:
        if self.pid == _NOBODY:
            return f"a process that could not write it, {self.since.astimezone():%Y-%m-%d %H:%M:%S}"
        return f"process {self.pid} of {self.user} on {self.host} since {self.since.astimezone():%Y-%m-%d %H:%M:%S}"


def locks_in(state: Path, project: str, stack: str) -> tuple[Lock, ...]:
    """Return the locks on a stack in a file backend's folder, with those that a full disk or a kill has cut off.

    The engine reads every file there, temporary ones too, and does nothing while one of them is no lock.
    """
    folder = state / ".pulumi" / "locks" / "organization" / project / stack
    locks = []
    for path in sorted(folder.glob("*")):
        if path.suffix == ".attrs":
            continue
        try:
            content = path.read_text()
            lock = Lock.parse(content) or _cut_off(path, content)
        except FileNotFoundError:
            continue  # released just now
        if lock is not None:
            locks.append(lock)
    return tuple(locks)


def _cut_off(path: Path, content: str) -> Lock | None:
    """Return a dead lock for a file that is no JSON unless it may be half written; other JSON is not ours to judge."""
    since = path.stat().st_mtime
    with suppress(ValueError):
        json.loads(content)
        return None
    if time.time() - since < _WRITING:
        return None
    return Lock(pid=_NOBODY, username="", hostname=socket.gethostname(), timestamp=datetime.fromtimestamp(since, UTC))


def _started(pid: int) -> float | None:
    """Return when a process started, in seconds since the epoch; None if there is none, or only its remains."""
    try:
        fields = stat_of(pid)
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
    except (FileNotFoundError, ProcessLookupError):
        return None
    if fields[STATE] in "ZX":
        return None
    return int(boot.split()[1]) + int(fields[STARTED]) / os.sysconf("SC_CLK_TCK")

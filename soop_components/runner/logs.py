"""The end of what a service said: the journal of its units, and the log files that its components name."""

from __future__ import annotations

import glob
import os
import stat
from collections.abc import Iterable
from contextlib import suppress

from soop_components.runner import packages_log, systemd
from soop_components.runner.document import parse
from soop_components.runner.failure import tail
from soop_components.runner.host import Host
from soop_components.runner.plan import Component

_READ_AT_MOST = 1 << 16
_OF_A_PATTERN = 2
"""Files that are shown of those that a pattern names: the ones that were written last."""


def end_of_all(host: Host) -> str:
    """Return the end of what the service on this node said, whatever the time, and its packages since they came."""
    intended = host.load("intended.json")
    if not intended:
        return ""
    since = os.stat(host.kept("intended.json")).st_mtime
    return "\n".join(filter(None, [packages_log.shown(host, since), end_of(host, parse(intended).components)]))


def end_of(host: Host, components: Iterable[Component], since: float = 0) -> str:
    """Return the last lines of components' units and log files from a time on, in seconds of the epoch."""
    parts = tuple(components)
    units = sorted({name for part in parts for name in part.units})
    said = [systemd.journal(host, units, since)] if units else []
    for path in dict.fromkeys(path for part in parts for named in part.logs for path in _files(host, named)):
        lines = _end_of_file(host, path, since)
        said += [f"{path}:", lines] if lines else []
    return "\n".join(filter(None, said))


def _files(host: Host, named: str) -> list[str]:
    """Return the file that a path names, or those of a pattern, what was written last at the end."""
    if not set("*?") & set(named):
        return [named]
    found = []
    for path in glob.glob(named.lstrip("/").replace("[", "[[]"), root_dir=host.places.real("/")):
        with suppress(OSError):
            found.append((os.lstat(host.places.real(f"/{path}")).st_mtime_ns, f"/{path}"))
    return [path for _, path in sorted(found)[-_OF_A_PATTERN:]]


def _end_of_file(host: Host, path: str, since: float) -> str:
    """Return the last lines of a file; a link in its place, which may point anywhere, is not followed."""
    try:
        descriptor = os.open(host.places.real(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return "" if isinstance(error, FileNotFoundError) else f"cannot be read: {error.strerror}"
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_mtime < since:
            return ""
        end = os.pread(descriptor, _READ_AT_MOST, max(0, found.st_size - _READ_AT_MOST))
        return tail(end.decode(errors="replace"))
    finally:
        os.close(descriptor)

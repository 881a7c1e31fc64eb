"""Which scripts have run on a node, as its disk remembers it.

The ledger lies on the machine, and what scripts have made may lie on the disk. A disk that was restored from a
snapshot, or that is another one, does not have all that the ledger says; so a script has run where both say so.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress

from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger, ScriptRecord
from soop_components.runner.typed_json import canonical
from soop_components.runner.work import Work

FILE = ".soop-scripts"


def are_on_disk(host: Host, mount: str | None, key: str, record: ScriptRecord) -> bool:
    """Return whether the disk remembers what the ledger says of a script; without a disk the ledger is right."""
    return mount is None or _remembered(host, mount).get(key) == record.hash


def unknown_to_disk(host: Host, mount: str | None, ledger: Ledger) -> list[str]:
    """Return the scripts that have run, but not for the data on the disk that is there now."""
    if mount is None:
        return []
    remembered = _remembered(host, mount)
    return sorted(key for key, record in ledger.scripts.items() if remembered.get(key) != record.hash)


def remember(work: Work, key: str, record: ScriptRecord) -> None:
    """Let the disk remember that a script has run; where there is no room for that, it runs again."""
    mount = work.disk()
    if mount is None:
        return
    known = {name: hash_ for name, hash_ in _remembered(work.host, mount).items() if name in work.ledger.scripts}
    with suppress(OSError):
        content = canonical({**known, key: record.hash}) + b"\n"
        work.host.places.write(f"{mount}/{FILE}", content, 0o600, os.geteuid(), os.getegid())


def _remembered(host: Host, mount: str) -> dict[str, str]:
    """Return what the disk remembers; what somebody else than root wrote, or what is damaged, counts as nothing."""
    path = f"{mount}/{FILE}"
    with suppress(OSError, ValueError):
        found = host.places.look(path)
        if found is not None and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o600:
            value = json.loads(host.places.read(path))
            return value if isinstance(value, dict) else {}
    return {}

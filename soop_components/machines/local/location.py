"""Where local machines are: the checkout that made them, and its host, kept in the state beside each machine and disk.

A second clone on the same state, or the first after it was moved, finds none of them. They are not gone.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from soop_components.errors import SoopError
from soop_components.machines.local.root_helper.folders import Realm
from soop_components.machines.local.root_helper.request import domain_of

_MACHINE_ID = Path("/etc/machine-id")


def location_of(realm: Realm) -> dict[str, str]:
    """Return where a realm's machines are, as it is kept in the state."""
    return {"host": socket.gethostname(), "hostId": _host_id(), "home": str(realm.home), "realm": realm.name}


def refuse_elsewhere(
    name: str, location: Mapping[str, str] | None, realm: Realm, folder_in: Callable[[Realm, str], Path]
) -> None:
    """Raise ``SoopError`` where a machine or disk that this realm lacks is said to be, and may be, in another one.

    ``folder_in`` returns its folder in a realm. What older versions made has no ``location``.
    """
    here = location_of(realm)
    if not location or (location["hostId"], location["realm"]) == (here["hostId"], realm.name):
        return
    forget = f"pulumi stack rm --force --preserve-config {domain_of(name)}"
    home, hint = Path(location["home"]), f"deploy from there; if it is gone for good: {forget}"
    if location["hostId"] != here["hostId"]:
        raise SoopError(f"{name} is on host {location['host']}, made in {home.parent}", hint)
    if _may_exist(folder_in(Realm(home, location["realm"]), name)):
        raise SoopError(f"{name} was made in {home.parent} and is there, not in {realm.home.parent}", hint)
    if _may_exist(folder_in(Realm(realm.home, location["realm"]), name)):
        raise SoopError(f"{name} was made here when this folder was {home.parent}", f"move it back to {home.parent}")


def _host_id() -> str:
    """Return what distinguishes this host from others: a digest, since the machine's id itself must not leave it."""
    identity = socket.gethostname()
    with suppress(OSError):
        identity = _MACHINE_ID.read_text(encoding="ascii").strip() or identity
    return hashlib.sha256(f"soop {identity}".encode()).hexdigest()[:16]


def _may_exist(folder: Path) -> bool:
    """Return whether a folder is there, or may be there because we are not allowed to look."""
    try:
        os.stat(folder)
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
    return True

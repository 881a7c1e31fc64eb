"""Base images: ``images/debian-12``, and beside it earlier versions that machines were made from."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from . import request
from .failure import Refused
from .files import read_json
from .folders import Realm
from .record import Record

_DIGITS = 12
"""Of an earlier version's digest, in the name of its folder."""


def digest(realm: Realm, name: str) -> str:
    """Return the digest of a base image, which must be there and root's."""
    path = realm.image(name)
    with suppress(FileNotFoundError), realm.opened(path) as image, realm.opened(path.parent, of_root=False) as images:
        known = read_json(images / f"{name}.json")
        if known is not None and (image / "usr").is_dir():
            return request.text(known.get("digest"), request.DIGEST, f"image {name}")
    raise Refused(f"there is no base image {name}", f"run: soop setup {name}")


def folder(realm: Realm, record: Record) -> Path:
    """Return the folder of the image that a machine was made from: what it is now, or an earlier version."""
    name = record.spec.image
    earlier = realm.image(f"{name}.{record.image_digest.removeprefix('sha256:')[:_DIGITS]}")
    if earlier.is_dir():
        return earlier
    if digest(realm, name) != record.image_digest:
        message = f"{record.spec.name} was made from another base image than {name} is now"
        raise Refused(message, f"give it a new machine, its disks stay: soop replace {record.spec.name}")
    return realm.image(name)

"""Disks: sparse files with an ext4 file system, mounted through a loop device while a machine uses them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import mounts, request
from .command import run
from .failure import Refused
from .folders import Realm, read_json, write_json
from .process import supervisor
from .record import Record

_IMAGE = "image.ext4"
_RECORD = "disk.json"
_DATA = "data"
"""Folder on the disk that machines see; ``lost+found`` lies beside it."""


def create(realm: Realm, disk: str, size: int) -> dict[str, Any]:
    """Make a disk, or let it grow."""
    with realm.locked(f"disk:{disk}"):
        folder = realm.disk(disk)
        realm.make(folder)
        known = _recorded_size(folder)
        if known is None:
            _make(folder / _IMAGE, size)
        elif size < known:
            raise Refused(f"{disk} has {known} bytes; a disk cannot shrink to {size}", "make another disk and move the data")
        elif size > known:
            os.truncate(folder / _IMAGE, size)
            # Grown for certain at the next attachment; at once if it is in use.
            write_json(folder / _RECORD, {"size": size, "grow": True})
            _grow(realm, disk)
        write_json(folder / _RECORD, {"size": size, "grow": _must_grow(folder)})
        return {"id": disk, "size": size, "used_by": user(realm, disk)}


def destroy(realm: Realm, disk: str) -> None:
    """Remove a disk that no machine uses."""
    with realm.locked(f"disk:{disk}"):
        machine = user(realm, disk)
        if machine is not None:
            raise Refused(f"{disk} is in use by {machine}", "destroy the machine first")
        _release(realm, disk)
        realm.remove(realm.disk(disk))


def attach(realm: Realm, disk: str, machine: str) -> Path:
    """Mount a disk for a machine and return the folder that the machine sees."""
    with realm.locked(f"disk:{disk}"):
        folder, mount = realm.disk(disk), realm.disk_mount(disk)
        realm.check(folder)
        if _recorded_size(folder) is None:
            raise Refused(f"{machine}: there is no disk {disk}")
        other = user(realm, disk)
        if other not in (None, machine):
            raise Refused(f"{machine}: the disk {disk} is in use by {other}")
        _release(realm, disk)
        mount.mkdir(mode=0o700, parents=True)
        write_json(mount.with_name(f"{disk}.user"), {"machine": machine})
        run("mount", "-t", "ext4", "-o", "loop,noinit_itable,nodev,nosuid", f"{folder}/{_IMAGE}", str(mount))
        if _must_grow(folder):
            _grow(realm, disk)
        (mount / _DATA).mkdir(mode=0o755, exist_ok=True)
        return mount / _DATA


def detach(realm: Realm, disk: str, machine: str) -> None:
    """Unmount a disk that the machine had."""
    with realm.locked(f"disk:{disk}"):
        if _noted_user(realm, disk) == machine:
            _release(realm, disk)


def user(realm: Realm, disk: str) -> str | None:
    """Return the running machine that has the disk."""
    machine = _noted_user(realm, disk)
    record = None if machine is None else Record.load(realm, machine)
    return machine if record is not None and supervisor(record.root(realm)) is not None else None


def look(realm: Realm, disk: str) -> dict[str, Any] | None:
    """Return what is known of a disk."""
    folder = realm.disk(disk)
    realm.check(folder)
    size = _recorded_size(folder)
    return None if size is None else {"id": disk, "size": size, "used_by": user(realm, disk)}


def _make(image: Path, size: int) -> None:
    """Make the file under another name first: a file of the right name is always complete."""
    temporary = image.with_name(f".{image.name}.new")
    with open(temporary, "wb") as file:
        file.truncate(size)
    run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", str(temporary))
    os.replace(temporary, image)


def _grow(realm: Realm, disk: str) -> None:
    """Let the file system fill the file, if it is mounted now."""
    mount = realm.disk_mount(disk)
    if not mounts.is_mounted(mount):
        return
    device = mounts.source(mount)
    run("losetup", "--set-capacity", device)
    run("resize2fs", device)
    folder = realm.disk(disk)
    write_json(folder / _RECORD, {"size": _recorded_size(folder), "grow": False})


def _release(realm: Realm, disk: str) -> None:
    """Unmount a disk and forget who had it."""
    mount = realm.disk_mount(disk)
    mounts.unmount(mount)
    with suppress(FileNotFoundError):
        mount.rmdir()
    mount.with_name(f"{disk}.user").unlink(missing_ok=True)


def _noted_user(realm: Realm, disk: str) -> str | None:
    noted = read_json(realm.disk_mount(disk).with_name(f"{disk}.user"))
    return None if noted is None else request.name(noted["machine"])


def _recorded_size(folder: Path) -> int | None:
    """Return the size of a complete disk."""
    recorded = read_json(folder / _RECORD)
    if recorded is None or not (folder / _IMAGE).is_file():
        return None
    return request.disk_size(request.mapping(recorded, ("size", "grow"), f"record of {folder.name}")["size"])


def _must_grow(folder: Path) -> bool:
    return bool((read_json(folder / _RECORD) or {}).get("grow"))

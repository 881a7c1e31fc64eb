"""Disks: sparse files with an ext4 file system, mounted through a loop device while a machine uses them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import mounts, request
from .command import run
from .failure import Refused
from .folders import Realm, make_run_folder, read_json, write_json
from .process import supervisor
from .record import Record

_IMAGE = "image.ext4"
_GROWING = "growing"
"""File that says that the file system is smaller than its file."""
_DATA = "data"
"""Folder on the disk that machines see; ``lost+found`` lies beside it."""


def create(realm: Realm, disk: str, size: int) -> dict[str, Any]:
    """Make a disk, or let it grow."""
    with realm.locked_disk(disk):
        folder = realm.disk(disk)
        realm.make(folder)
        known = _size(folder)
        if known is None:
            _make(folder / _IMAGE, size)
        elif size < known:
            raise Refused(f"{disk} has {known} bytes; a disk cannot shrink to {size}", "make another and move the data")
        elif size > known:
            (folder / _GROWING).touch()
            os.truncate(folder / _IMAGE, size)
        if (folder / _GROWING).exists() and user(realm, disk) is not None:
            _grow_in_use(realm, disk)
        return {"id": disk, "size": size, "used_by": user(realm, disk)}


def destroy(realm: Realm, disk: str) -> None:
    """Remove a disk that no machine uses."""
    with realm.locked_disk(disk):
        machine = user(realm, disk)
        if machine is not None:
            raise Refused(f"{disk} is in use by {machine}", "destroy the machine first")
        _release(realm, disk)
        realm.remove(realm.disk(disk))


def attach(realm: Realm, disk: str, machine: str) -> Path:
    """Mount a disk for a machine and return the folder that the machine sees."""
    with realm.locked_disk(disk):
        folder, mount = realm.disk(disk), realm.disk_mount(disk)
        realm.check(folder)
        if _size(folder) is None:
            raise Refused(f"{machine}: there is no disk {disk}")
        other = user(realm, disk)
        if other not in (None, machine):
            raise Refused(f"{machine}: the disk {disk} is in use by {other}")
        _release(realm, disk)
        if (folder / _GROWING).exists():
            _grow(folder)
        make_run_folder(mount.parent, 0o700)
        make_run_folder(mount)
        make_run_folder(_note(realm, disk).parent)
        write_json(_note(realm, disk), {"machine": machine})
        run("mount", "-t", "ext4", "-o", "loop,noinit_itable,nodev,nosuid", f"{folder}/{_IMAGE}", str(mount))
        (mount / _DATA).mkdir(mode=0o755, exist_ok=True)
        return mount / _DATA


def detach(realm: Realm, disk: str, machine: str) -> None:
    """Unmount a disk that the machine had."""
    with realm.locked_disk(disk):
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
    size = _size(folder)
    return None if size is None else {"id": disk, "size": size, "used_by": user(realm, disk)}


def _make(image: Path, size: int) -> None:
    """Make the file under another name first: a file of the right name is always complete."""
    temporary = image.with_name(f".{image.name}.new")
    with open(temporary, "wb") as file:
        file.truncate(size)
    os.chmod(temporary, 0o600)
    run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", str(temporary))
    os.replace(temporary, image)


def _grow(folder: Path) -> None:
    """Let the file system of a disk that is not mounted fill its file."""
    run("e2fsck", "-f", "-p", f"{folder}/{_IMAGE}", good=(0, 1))
    run("resize2fs", f"{folder}/{_IMAGE}")
    (folder / _GROWING).unlink()


def _grow_in_use(realm: Realm, disk: str) -> None:
    """Let the file system of a mounted disk fill its file, where the host allows it."""
    device = mounts.source(realm.disk_mount(disk))
    try:
        run("losetup", "--set-capacity", device)
        run("resize2fs", device)
    except Refused as error:
        message = f"{disk} cannot grow on this host while {user(realm, disk)} uses it"
        raise Refused(message, "stop the machine: the disk grows when it starts again") from error
    (realm.disk(disk) / _GROWING).unlink()


def _release(realm: Realm, disk: str) -> None:
    """Unmount a disk and forget who had it."""
    mount = realm.disk_mount(disk)
    mounts.unmount(mount)
    with suppress(FileNotFoundError):
        mount.rmdir()
    _note(realm, disk).unlink(missing_ok=True)


def _note(realm: Realm, disk: str) -> Path:
    """Return the file that says which machine has the disk mounted."""
    return realm.run / "attached" / f"{disk}.json"


def _noted_user(realm: Realm, disk: str) -> str | None:
    noted = read_json(_note(realm, disk))
    return None if noted is None else request.name(noted["machine"])


def _size(folder: Path) -> int | None:
    """Return the size of a disk, None if it does not exist or was never complete."""
    try:
        return (folder / _IMAGE).lstat().st_size
    except FileNotFoundError:
        return None

"""Disks: sparse files with an ext4 file system, mounted through a loop device while a machine uses them."""

from __future__ import annotations

import fcntl
import os
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

from . import mounts, request
from .command import run
from .failure import Refused
from .files import new_file, opened, path_of, read_json, write_json
from .folders import Realm
from .process import supervisor
from .record import Record
from .run_folder import make_run_folder

IMAGE = "image.ext4"
_GROWING = "growing"
"""File that says that growing was cut short: the file system is smaller than its file."""
_DATA = "data"
"""Folder on the disk that machines see; ``lost+found`` lies beside it."""
_LOOP_GET_STATUS64, _LOOP_INFO64 = 0x4C05, 232
"""Number and answer's length of what a loop device is asked for (linux/loop.h)."""


def create(realm: Realm, disk: str, size: int) -> dict[str, Any]:
    """Make a disk, or let it grow."""
    with realm.locked_disk(disk):
        realm.make(realm.disk(disk))
        with realm.opened(realm.disk(disk)) as folder:
            is_growing = (folder / _GROWING).exists()
            known = _file_system_size(str(folder / IMAGE)) if is_growing else _size(folder)
            if known is None:
                _make(folder / IMAGE, size)
            elif size < known:
                hint = "make another and move the data"
                raise Refused(f"{disk} has {known} bytes; a disk cannot shrink to {size}", hint)
            elif size > known or is_growing:
                _grow(realm, disk, folder, known, size)
        return {"id": disk, "size": size, "used_by": user(realm, disk)}


def destroy(realm: Realm, disk: str) -> None:
    """Remove a disk that no machine uses."""
    with realm.locked_disk(disk):
        destroy_locked(realm, disk)


def destroy_locked(realm: Realm, disk: str) -> None:
    """Remove a disk, whose lock is held, that no machine uses."""
    machine = user(realm, disk)
    if machine is not None:
        raise Refused(f"{disk} is in use by {machine}", "destroy the machine first")
    release(realm, disk)
    realm.remove(realm.disk(disk))


def attach(realm: Realm, disk: str, machine: str) -> Path:
    """Mount a disk for a machine and return the folder that the machine sees."""
    with realm.locked_disk(disk):
        if facts(realm, disk) is None:
            raise Refused(f"{machine}: there is no disk {disk}")
        other = user(realm, disk)
        if other not in (None, machine):
            raise Refused(f"{machine}: the disk {disk} is in use by {other}")
        release(realm, disk)
        mount = realm.disk_mount(disk)
        make_run_folder(mount.parent, 0o700)
        make_run_folder(mount)
        make_run_folder(_note(realm, disk).parent)
        write_json(_note(realm, disk), {"machine": machine})
        with realm.opened(realm.disk(disk)) as folder, opened(folder / IMAGE, os.O_RDWR) as image:
            if (folder / _GROWING).exists():
                fill(str(path_of(image)), is_mounted=False)
                (folder / _GROWING).unlink()
            _mount(image, mount)
        with suppress(FileExistsError):
            (mount / _DATA).mkdir(mode=0o755)
        if (mount / _DATA).is_symlink():
            raise Refused(f"the folder {_DATA} on the disk {disk} is a link")
        return mount / _DATA


def detach(realm: Realm, disk: str, machine: str) -> None:
    """Unmount a disk that the machine had."""
    with realm.locked_disk(disk):
        if _noted_user(realm, disk) == machine:
            release(realm, disk)


def user(realm: Realm, disk: str) -> str | None:
    """Return the running machine that has the disk."""
    machine = _noted_user(realm, disk)
    try:
        record = None if machine is None else Record.load(realm, machine)
    except Refused:
        return machine  # it may run
    return machine if record is not None and supervisor(record.root(realm)) is not None else None


def facts(realm: Realm, disk: str) -> dict[str, Any] | None:
    """Return what is known of a disk."""
    size = None
    with suppress(FileNotFoundError), realm.opened(realm.disk(disk)) as folder:
        size = _size(folder)
    return None if size is None else {"id": disk, "size": size, "used_by": user(realm, disk)}


def allocated(realm: Realm, disk: str) -> int:
    """Return how many bytes of the host a disk takes; needs no rights."""
    with suppress(FileNotFoundError), realm.opened(realm.disk(disk)) as folder:
        return (folder / IMAGE).lstat().st_blocks * 512
    return 0


def _make(image: Path, size: int) -> None:
    """Make the file under another name first: a file of the right name is always complete."""
    temporary = image.with_name(f".{image.name}.new")
    with new_file(temporary, 0o600) as file:
        file.truncate(size)
    run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard", str(temporary))
    os.replace(temporary, image)


def _mount(image: int, mount: Path) -> None:
    """Mount an open disk; what is mounted must be that very file, since ``mount`` looks for it once more by name."""
    run("mount", "-t", "ext4", "-o", "loop,noinit_itable,nodev,nosuid", str(path_of(image)), str(mount))
    with opened(Path(mounts.source(mount))) as device:
        mounted = struct.unpack_from("QQ", fcntl.ioctl(device, _LOOP_GET_STATUS64, bytes(_LOOP_INFO64)))
    status = os.fstat(image)
    if mounted != (status.st_dev, status.st_ino):
        mounts.unmount(mount)
        raise Refused(f"{mount} was moved while it was mounted", "try again")


def _grow(realm: Realm, disk: str, folder: Path, before: int, size: int) -> None:
    """Let a disk grow, also under the machine that uses it; where that fails it keeps the size that it had."""
    machine = user(realm, disk)
    if machine is None:
        release(realm, disk)
    with opened(folder / IMAGE, os.O_RDWR) as image:
        device = str(path_of(image)) if machine is None else mounts.source(realm.disk_mount(disk))
        new_file(folder / _GROWING, 0o600).close()
        try:
            os.ftruncate(image, size)
            fill(device, is_mounted=machine is not None)
        except (Refused, OSError) as error:
            if machine is None:
                _check(device)
            os.ftruncate(image, max(before, _file_system_size(device)))
            (folder / _GROWING).unlink()
            hint = machine and f"shut {machine} down and deploy again: the disk grows before the machine starts"
            raise Refused(f"{disk} cannot grow to {size} bytes and keeps its {before}: {error}", hint) from error
    (folder / _GROWING).unlink()


def fill(device: str, *, is_mounted: bool) -> None:
    """Let a file system fill its file."""
    if is_mounted:
        run("losetup", "--set-capacity", device)
    else:
        _check(device)
    run("resize2fs", device)


def _check(image: str) -> None:
    """Check a file system that is not mounted, and repair what can be repaired without loss."""
    run("e2fsck", "-f", "-p", image, good=(0, 1))


def _file_system_size(device: str) -> int:
    """Return the size that a file system has in its file, out of ext4's superblock (kernel.org: ext4/super.html)."""
    with open(device, "rb") as file:
        file.seek(1024)
        superblock = file.read(1024)
    low, exponent, high = (struct.unpack_from("<I", superblock, offset)[0] for offset in (0x4, 0x18, 0x150))
    return int((high << 32 | low) * (1024 << exponent))


def release(realm: Realm, disk: str) -> None:
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
        return (folder / IMAGE).lstat().st_size
    except FileNotFoundError:
        return None

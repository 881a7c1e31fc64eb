"""Snapshots of disks: sparse copies of the image, in the disk's folder, so that they go when the disk goes.

The file system stands still while it is copied. Readers go on and writers wait; what was synced before is in the copy,
as after a power cut. Where the host's file system can share blocks, copying takes no time and at first no room.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from . import disk, mounts, request
from .command import run
from .failure import Refused
from .files import opened, read_json, write_json
from .folders import Realm

_FOLDER = "snapshots"
_RECORD, _COPY = ".json", ".ext4"
_FREEZE, _THAW = 0xC0045877, 0xC0045878
"""FIFREEZE and FITHAW (linux/fs.h)."""
_PATIENCE = 600
"""Seconds that a copy may take."""


def take(realm: Realm, name: str, label: str, about: request.About) -> dict[str, Any]:
    """Copy a disk under a label; the one that had the label before goes when the new one is complete."""
    with realm.locked_disk(name), _folder_of(realm, name) as folder:
        snapshots = folder / _FOLDER
        snapshots.mkdir(mode=0o755, exist_ok=True)
        copy = secrets.token_hex(8) + _COPY
        mount = realm.disk_mount(name)
        taken = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            with frozen(mount) if mount in mounts.table() else nullcontext():
                _copy(folder / disk.IMAGE, snapshots / copy)
            _sync(snapshots / copy)
            record = {"copy": copy, "taken": taken, "of": about.of, "digest": about.digest}
            write_json(snapshots / f"{label}{_RECORD}", record)
        finally:
            _tidy(snapshots)
        return _facts(snapshots, name, label)


def restore(realm: Realm, name: str, label: str) -> None:
    """Put a snapshot on the disk of a machine that does not run; a disk that has grown since keeps its size."""
    with realm.locked_disk(name), _folder_of(realm, name) as folder:
        machine = disk.user(realm, name)
        if machine is not None:
            raise Refused(f"{name} is in use by {machine}", "stop the machine first")
        record = read_json(folder / _FOLDER / f"{label}{_RECORD}")
        if record is None:
            raise Refused(f"{name} has no snapshot {label}")
        disk.release(realm, name)
        image, restored = folder / disk.IMAGE, _restored(folder)
        try:
            _copy(folder / _FOLDER / _copy_in(record), restored)
            size = image.lstat().st_size
            if restored.stat().st_size < size:
                os.truncate(restored, size)
                disk.fill(str(restored), is_mounted=False)
            _sync(restored)
            os.replace(restored, image)
        finally:
            restored.unlink(missing_ok=True)


def remove(realm: Realm, name: str, label: str) -> None:
    """Remove a snapshot."""
    with realm.locked_disk(name), suppress(FileNotFoundError), realm.opened(realm.disk(name)) as folder:
        (folder / _FOLDER / f"{label}{_RECORD}").unlink(missing_ok=True)
        _tidy(folder / _FOLDER)


def found(realm: Realm, environment: str) -> list[dict[str, Any]]:
    """Return the snapshots of all disks of an environment; needs no rights."""
    names = [name for name in realm.names(realm.disks) if request.environment_of(name) == environment]
    return [facts for name in names for facts in _snapshots(realm, name)]


def sweep(realm: Realm, name: str) -> list[str]:
    """Remove copies that were never complete, of a disk whose lock is held, and return what they were."""
    with suppress(FileNotFoundError), realm.opened(realm.disk(name)) as folder:
        restored = _restored(folder)
        lost = [f"restored {name}, which was never complete"] if restored.exists() else []
        restored.unlink(missing_ok=True)
        return [*lost, *[f"snapshot of {name}, which was never complete"] * _tidy(folder / _FOLDER)]
    return []


def _snapshots(realm: Realm, name: str) -> Iterator[dict[str, Any]]:
    with suppress(FileNotFoundError), realm.opened(realm.disk(name)) as folder:
        for path in sorted((folder / _FOLDER).glob(f"*{_RECORD}")):
            with suppress(FileNotFoundError):  # removed just now
                yield _facts(path.parent, name, path.name.removesuffix(_RECORD))


def _facts(snapshots: Path, name: str, label: str) -> dict[str, Any]:
    record = read_json(snapshots / f"{label}{_RECORD}")
    if record is None:
        raise FileNotFoundError(f"{snapshots / label}{_RECORD}")
    size = (snapshots / _copy_in(record)).lstat().st_blocks * 512
    return {"node": name, "label": label, "size": size, **{key: str(record[key]) for key in ("taken", "of", "digest")}}


@contextmanager
def _folder_of(realm: Realm, name: str) -> Iterator[Path]:
    if disk.facts(realm, name) is None:
        raise Refused(f"there is no disk {name}")
    with realm.opened(realm.disk(name)) as folder:
        yield folder


@contextmanager
def frozen(mount: Path) -> Iterator[None]:
    """Let a file system stand still, with all that was written on its disk; it goes on also if this process is killed.

    A child lets it go on, as soon as its end of a pipe says that nobody has the other one any more.
    """
    with opened(mount, os.O_RDONLY | os.O_DIRECTORY) as folder:
        its_end, our_end = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(our_end)
            _thaw_at_the_end(its_end, folder)
        os.close(its_end)
        try:
            fcntl.ioctl(folder, _FREEZE, 0)
            yield
        finally:
            os.close(our_end)
            os.waitpid(child, 0)


def _thaw_at_the_end(pipe: int, folder: int) -> NoReturn:
    """Let a file system go on when nobody has the other end of the pipe any more; then end."""
    try:
        os.setsid()  # no signal to the process group of the one that is watched ends this one
        os.read(pipe, 1)
        fcntl.ioctl(folder, _THAW, 0)
    finally:
        os._exit(0)


def _copy(source: Path, target: Path) -> None:
    """Copy an image without its holes."""
    run("cp", "--reflink=auto", "--sparse=always", "--no-dereference", str(source), str(target), patience=_PATIENCE)


def _restored(folder: Path) -> Path:
    """Return what a disk is called until it is completely what a snapshot kept."""
    return folder / f".{disk.IMAGE}.restored"


def _copy_in(record: dict[str, Any]) -> str:
    return request.text(record.get("copy"), request.SNAPSHOT_COPY, "snapshot")


def _sync(path: Path) -> None:
    with opened(path) as file:
        os.fsync(file)


def _tidy(snapshots: Path) -> int:
    """Remove copies that no record names, and return how many there were."""
    named = {(read_json(path) or {}).get("copy") for path in snapshots.glob(f"*{_RECORD}")}
    lost = [path for path in snapshots.glob(f"*{_COPY}") if path.name not in named]
    for path in lost:
        path.unlink()
    return len(lost)

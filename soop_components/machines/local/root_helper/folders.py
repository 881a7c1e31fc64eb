"""Where everything lies: what stays in a project's ``.soop`` folder, what ends with the host's uptime in ``/run/soop``.

``.soop`` and the folders down to one machine or disk belong to the user, the machine's or disk's own folder to root.
Mounts are only made below ``/run/soop``, so that no ``rm -r`` of a checkout ever walks into a living machine.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import request
from .failure import Refused

RUN = Path("/run/soop")


@dataclass(frozen=True)
class Realm:
    """All machines and disks that are made out of one state, and their folders."""

    home: Path
    """The project's ``.soop`` folder."""
    name: str
    owner: tuple[int, int] = (0, 0)
    """User and group id of who calls."""

    @classmethod
    def open(cls, home: object, name: object) -> Realm:
        """Return the realm of a request; its home must be a real ``.soop`` folder that only the caller can change."""
        realm = request.text(name, request.REALM, "realm")
        if not isinstance(home, str) or os.path.realpath(home) != home or os.path.basename(home) != ".soop":
            raise Refused("home: expected the real path of a .soop folder")
        owner = (int(os.environ.get("SUDO_UID", "0")), int(os.environ.get("SUDO_GID", "0")))
        try:
            status = os.lstat(home)
        except OSError as error:
            raise Refused(f"home: {home}: {error.strerror}") from error
        if not stat.S_ISDIR(status.st_mode) or status.st_mode & 0o022:
            raise Refused(f"home: {home} must be a folder that nobody else can write", f"chmod go-w {home}")
        if owner[0] not in (0, status.st_uid):
            raise Refused(f"home: {home} belongs to somebody else")
        return cls(Path(home), realm, owner if owner[0] else (status.st_uid, status.st_gid))

    @property
    def machines(self) -> Path:
        """The folder of all machines."""
        return self.home / "machines" / self.name

    @property
    def disks(self) -> Path:
        """The folder of all disks."""
        return self.home / "disks" / self.name

    @property
    def run(self) -> Path:
        """The folder of everything that does not outlive the host's uptime."""
        return RUN / self.name

    def machine(self, name: str) -> Path:
        """Return the folder of a machine."""
        return self.machines / request.domain_of(name) / name

    def disk(self, disk: str) -> Path:
        """Return the folder of a disk."""
        return self.disks / request.domain_of(disk) / disk

    def disk_mount(self, disk: str) -> Path:
        """Return where a disk is mounted while a machine uses it."""
        return self.run / "disks" / disk

    def image(self, image: str) -> Path:
        """Return the root file system of a base image."""
        return self.home / "images" / image

    def make(self, folder: Path) -> None:
        """Make a folder of a machine or disk and those above it; a symbolic link on the way is refused."""
        while not folder.exists():
            current = self.home
            # Somebody who removes the last machine beside this one may remove a folder above it meanwhile.
            with suppress(FileNotFoundError):
                for part in folder.relative_to(self.home).parts:
                    current = current / part
                    self._make_one(current, is_last=current == folder)
        self.check(folder)

    def _make_one(self, folder: Path, *, is_last: bool) -> None:
        try:
            folder.mkdir(mode=0o755)
        except FileExistsError:
            self.check(folder)
        else:
            if not is_last:
                os.chown(folder, *self.owner)

    def check(self, folder: Path) -> None:
        """Refuse a folder in the home that is, or is reached through, anything but folders of the caller and root."""
        current = self.home
        for part in folder.relative_to(self.home).parts:
            current = current / part
            with suppress(FileNotFoundError):
                status = os.lstat(current)
                if not stat.S_ISDIR(status.st_mode) or status.st_uid not in (0, self.owner[0]):
                    raise Refused(f"{current} is not a folder of yours")

    def remove(self, folder: Path) -> None:
        """Remove the folder of a machine or disk, and those above it that are empty then."""
        self.check(folder)
        with suppress(FileNotFoundError):
            shutil.rmtree(folder)
        top = folder.parent
        while top != self.home:
            try:
                top.rmdir()
            except OSError:
                return
            top = top.parent

    def names(self, top: Path) -> list[str]:
        """Return the names of all machines or disks that have a folder below ``top``."""
        self.check(top)
        return sorted(path.name for path in top.glob("*/*") if request.NAME.fullmatch(path.name) and path.is_dir())

    @contextmanager
    def locked(self, name: str, *, wait: bool = True) -> Iterator[bool]:
        """Hold the lock of a machine; tell whether it is held: not where somebody else has it and ``wait`` is false."""
        with self._locked(name, self.machine(name), wait) as held:
            yield held

    @contextmanager
    def locked_disk(self, disk: str) -> Iterator[None]:
        """Hold the lock of a disk."""
        with self._locked(f"disk:{disk}", self.disk(disk), wait=True):
            yield

    @contextmanager
    def _locked(self, lock_name: str, folder: Path, wait: bool) -> Iterator[bool]:
        """Hold a lock, whose file goes with the folder that it is for."""
        path = self.run / "locks" / lock_name
        with lock(path, wait=wait) as held:
            try:
                yield held
            finally:
                if held and not folder.exists():
                    path.unlink(missing_ok=True)
                    self._remove_empty_run_folders()

    def _remove_empty_run_folders(self) -> None:
        with suppress(OSError):
            # As long as somebody holds a lock this one is not empty, and the others stay too.
            (self.run / "locks").rmdir()
            for folder in (self.run / "attached", self.run / "disks", self.run):
                with suppress(FileNotFoundError):
                    folder.rmdir()


@contextmanager
def lock(path: Path, *, wait: bool = True) -> Iterator[bool]:
    """Hold an exclusive lock on a file that may be removed by its holder."""
    while True:
        make_run_folder(path.parent)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except FileNotFoundError:
            continue
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            if _is_still(path, descriptor):
                # Programs that are run meanwhile hold the lock too: one may go on for a moment when we are killed.
                os.set_inheritable(descriptor, True)
                yield True
                return
        finally:
            os.close(descriptor)


def make_run_folder(folder: Path, mode: int = 0o755) -> None:
    """Make a folder in ``/run/soop`` with the given mode, and those above it for everybody to see."""
    while not folder.is_dir():
        # Whoever removes the last machine may remove a folder above it meanwhile.
        with suppress(FileNotFoundError):
            for path in reversed((folder, *folder.parents)):
                with suppress(FileExistsError):
                    path.mkdir(mode=mode if path == folder else 0o755)


def _is_still(path: Path, descriptor: int) -> bool:
    """Tell whether the open file is the one at ``path``."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, None if there is none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {error}") from error


def write_json(path: Path, value: object) -> None:
    """Replace a JSON file, under its lock; it is the old or the new one at any moment, also after a power cut."""
    temporary = path.with_name(f".{path.name}.new")
    with open(temporary, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(temporary, 0o644)
    os.replace(temporary, path)

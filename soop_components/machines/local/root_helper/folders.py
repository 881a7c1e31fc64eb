"""Where everything lies: what stays in a project's ``.soop`` folder, what ends with the host's uptime in ``/run/soop``.

``.soop`` and the folders down to one machine or disk belong to the user, the machine's or disk's own folder to root.
Mounts are only made below ``/run/soop``, so that no ``rm -r`` of a checkout ever walks into a living machine.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import request
from .failure import Refused
from .files import open_folder, path_of, read_json
from .run_folder import lock

RUN = Path("/run/soop")
NETWORKS = RUN / "networks.json"
"""All environments that have a network on this host, with the home and user they belong to."""


@dataclass(frozen=True)
class Realm:
    """All machines and disks that are made out of one state, and their folders."""

    home: Path
    """The project's ``.soop`` folder."""
    name: str
    caller: int = 0
    """Id of the user who asks: root may use everybody's home, others their own."""

    @classmethod
    def open(cls, home: object, name: object) -> Realm:
        """Return the realm of a request; its home must be a real ``.soop`` folder that only the caller can change."""
        realm = request.text(name, request.REALM, "realm")
        if not isinstance(home, str) or os.path.realpath(home) != home or os.path.basename(home) != ".soop":
            raise Refused("home: expected the real path of a .soop folder")
        opened = cls(Path(home), realm, int(os.environ.get("SUDO_UID", "0")))
        try:
            opened.owner()
        except OSError as error:
            raise Refused(f"home: {home}: {error.strerror}") from error
        return opened

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

    def owner(self) -> int:
        """Return the id of the user whose home it is."""
        with self._opened(self.home) as [home]:
            return os.fstat(home).st_uid

    @contextmanager
    def opened(self, folder: Path, *, of_root: bool = True) -> Iterator[Path]:
        """Open a folder in the home, one of root such as a machine's if not said otherwise, and yield a path to it.

        ``FileNotFoundError`` if there is none.
        """
        with self._opened(folder) as descriptors:
            # Without root's rights nothing is done that a forged folder could lead astray.
            if of_root and os.fstat(descriptors[-1]).st_uid not in {0, os.geteuid()}:
                hint = f"if nobody has changed what is in it: chown root {folder}"
                raise Refused(f"{folder} does not belong to root", hint)
            yield path_of(descriptors[-1])

    def make(self, folder: Path) -> None:
        """Make the folder of a machine or disk and those above it."""
        made = False
        while not made:
            # Somebody who removes the last machine beside this one may remove a folder above it meanwhile.
            with suppress(FileNotFoundError), self._opened(folder, make=True):
                made = True

    def remove(self, folder: Path) -> None:
        """Remove the folder of a machine or disk, and those above it that are empty then."""
        with suppress(FileNotFoundError), self._opened(folder.parent) as descriptors:
            _check(os.lstat(folder.name, dir_fd=descriptors[-1]), folder, os.fstat(descriptors[0]).st_uid)
            shutil.rmtree(folder.name, dir_fd=descriptors[-1])
        top = folder.parent
        while top != self.home:
            try:
                with self._opened(top.parent) as descriptors:
                    os.rmdir(top.name, dir_fd=descriptors[-1])
            except OSError:
                return
            top = top.parent

    def names(self, top: Path) -> list[str]:
        """Return the names of all machines or disks that have a folder below ``top``."""
        with suppress(FileNotFoundError), self._opened(top) as descriptors:
            found = path_of(descriptors[-1]).glob("*/*")
            return sorted(path.name for path in found if request.NAME.fullmatch(path.name) and path.is_dir())
        return []

    def locked(self, name: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Hold the lock of a machine; yield whether it is held: not where others have it and ``wait`` is false."""
        return self._locked(name, self.machine(name), wait)

    def locked_disk(self, disk: str, *, wait: bool = True) -> AbstractContextManager[bool]:
        """Hold the lock of a disk; yield whether it is held: not where others have it and ``wait`` is false."""
        return self._locked(f"disk:{disk}", self.disk(disk), wait)

    def owns(self, network: Mapping[str, Any]) -> bool:
        """Return whether an environment in the register of networks is one of this realm.

        Raises ``Refused`` where it has the realm's name and is of another home or user: the realm is theirs.
        """
        if network["realm"] != self.name:
            return False
        owner = network.get("owner", self.caller)
        if network["home"] != str(self.home):
            raise Refused(f"the machines of realm {self.name} belong to {network['home']}", "deploy from there")
        if self.caller not in {0, owner}:
            raise Refused(f"the machines of realm {self.name} belong to user {owner}", "deploy as that user")
        return True

    def check_owner(self) -> None:
        """Refuse a realm that has machines of another home or user."""
        for network in (read_json(NETWORKS) or {}).values():
            self.owns(network)

    @contextmanager
    def _opened(self, folder: Path, *, make: bool = False) -> Iterator[list[int]]:
        """Open the home and each folder down to ``folder``: all of them the user's or root's, none of them a link.

        Folders above the last one are made as the user, with no more rights than that.
        """
        with ExitStack() as stack:
            path, descriptor = Path("/"), open_folder(stack, "/")
            try:
                for part in self.home.parts[1:]:
                    path = path / part
                    descriptor = open_folder(stack, part, descriptor)
                home = os.fstat(descriptor)
                if home.st_mode & 0o022:
                    message = f"home: {self.home} must be a folder that nobody else can write"
                    raise Refused(message, f"chmod go-w {self.home}")
                if self.caller not in {0, home.st_uid}:
                    raise Refused(f"home: {self.home} belongs to somebody else")
                descriptors = [descriptor]
                for part in folder.relative_to(self.home).parts:
                    path = path / part
                    if make:
                        _make_one(part, descriptors[-1], None if path == folder else home)
                    descriptors.append(open_folder(stack, part, descriptors[-1]))
                    _check(os.fstat(descriptors[-1]), path, home.st_uid)
            except NotADirectoryError as error:
                raise Refused(f"{path} is not a folder of yours") from error
            yield descriptors

    @contextmanager
    def _locked(self, lock_name: str, folder: Path, wait: bool) -> Iterator[bool]:
        """Hold a lock, whose file goes with the folder that it is for."""
        path = self.run / "locks" / lock_name
        with lock(path, wait=wait) as held:
            try:
                # Who has the realm cannot change now: its machines and disks start under this lock.
                self.check_owner()
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


def _check(status: os.stat_result, folder: Path, owner: int) -> None:
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, owner}:
        raise Refused(f"{folder} is not a folder of yours")


def _make_one(name: str, parent: int, owner: os.stat_result | None) -> None:
    """Make a folder in an open one, as its owner if that is not root."""
    with suppress(FileExistsError), nullcontext() if owner is None else _acting_as(owner.st_uid, owner.st_gid):
        os.mkdir(name, 0o755, dir_fd=parent)


@contextmanager
def _acting_as(user: int, group: int) -> Iterator[None]:
    """Have no more rights over files than a user."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(group)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)

"""The node as the runner sees it: its file system, its programs, and where the runner keeps its own state."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from soop_components.runner.commands import Commands, Programs
from soop_components.runner.ledger import Ledger
from soop_components.runner.places import Places
from soop_components.runner.typed_json import canonical, digest_of

KEPT: Final = "/var/lib/soop"
"""What survives a restart of the machine."""
VOLATILE: Final = "/run/soop"
"""What does not."""
_RESERVE: Final = 4 << 20
"""Bytes reserved; dpkg rewrites its whole database even to remove a package."""
_SCARCE: Final = 32 << 20
"""Free bytes below which room counts as scarce."""
_DOCUMENTS: Final = ("accepted.json", "previous.json", "running.json", "intended.json")
_WRITTEN_TO: Final = ("/", "/etc", "/opt", "/srv", "/usr", "/usr/local", "/var", "/var/lib", KEPT)


class Host:
    """A node; tests give it another root and simulated commands."""

    def __init__(self, root: str = "/", commands: Commands | None = None) -> None:
        self.places = Places(root)
        self.commands: Commands = commands or Programs()
        self.has_systemd = commands is None
        """Whether its systemd may be asked directly."""
        self.lost: set[str] = set()
        """Files of our state that are damaged, as far as they were read."""
        self._key = b""

    def kept(self, *parts: str) -> str:
        """Return where a part of the lasting state lies on this machine."""
        return self.places.real("/".join([KEPT, *parts]))

    def volatile(self, *parts: str) -> str:
        """Return where a part of the passing state lies on this machine."""
        return self.places.real("/".join([VOLATILE, *parts]))

    def prepare(self) -> None:
        """Make the folders of our state. Others may pass through, since scripts run as other users, but see nothing."""
        for path, mode in ((self.kept(), 0o711), (self.volatile(), 0o700), (self.kept("blobs", "sha256"), 0o700)):
            os.makedirs(path, 0o700, exist_ok=True)
            if os.stat(path).st_mode & 0o777 != mode:
                os.chmod(path, mode)

    def load(self, name: str) -> dict[str, Any] | None:
        """Return a stored JSON object; None if there is none. One that is damaged counts as none and is in ``lost``."""
        value = self._object(name)
        if value is None or name not in _DOCUMENTS or _is_document(value):
            return value
        self.lost.add(name)
        return None

    def _object(self, name: str) -> dict[str, Any] | None:
        try:
            with open(self.kept(name), "rb") as file:
                value = json.load(file)
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            self.lost.add(name)
            return None
        return value

    def store(self, name: str, value: Mapping[str, Any]) -> None:
        """Write a JSON object so that after a power failure it is there as a whole, old or new."""
        write_whole(self.kept(name), canonical(value))

    def has(self, name: str) -> bool:
        """Return whether there is a stored JSON object, damaged or not."""
        return os.path.exists(self.kept(name))

    def remove(self, name: str) -> bool:
        """Remove a JSON object so that no power failure brings it back; return whether there was one."""
        try:
            os.unlink(self.kept(name))
        except FileNotFoundError:
            return False
        folder = os.open(self.kept(), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return True

    def ledger(self) -> Ledger:
        """Return what we manage on this node; one that is damaged is made anew of the documents, and is in ``lost``."""
        raw = self._object("ledger.json")
        try:
            if "ledger.json" not in self.lost:
                return Ledger.from_json(raw or {})
        except ValueError:
            self.lost.add("ledger.json")
        documents = (self.load(name) for name in ("accepted.json", "running.json", "intended.json"))
        return Ledger.of_plans(document["plan"] for document in documents if document)

    def hash(self, content: bytes) -> str:
        """Return a hash that reveals nothing without this node's key."""
        hasher = self.hasher()
        hasher.update(content)
        return hasher.hexdigest()

    def hasher(self) -> hashlib.blake2b:
        """Return what makes such a hash of chunks."""
        return hashlib.blake2b(key=self.key(), digest_size=20)

    def key(self) -> bytes:
        """Return this node's key for hashes, made up once."""
        if not self._key:
            path = self.kept("key")
            try:
                with open(path, "rb") as file:
                    self._key = file.read()
            except FileNotFoundError:
                pass
            if len(self._key) != 32:
                self.prepare()
                self._key = os.urandom(32)
                write_whole(path, self._key)
        return self._key

    def keep_reserve(self) -> None:
        """Reserve some room, so that a rollback is possible when the disk is full."""
        path = self.kept("reserve")
        if os.path.exists(path) or self._free() < _SCARCE + _RESERVE:
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _RESERVE)
        finally:
            os.close(descriptor)

    def release_reserve(self) -> bool:
        """Free the reserve if room is scarce; return whether it is."""
        scarce = self._free() < _SCARCE
        if scarce:
            with suppress(FileNotFoundError):
                os.unlink(self.kept("reserve"))
        return scarce

    def _free(self) -> int:
        found = os.statvfs(self.kept())
        return found.f_bavail * found.f_frsize

    def sync(self, *further: str) -> None:
        """Wait until everything is on the disks that the runner writes to."""
        import ctypes

        seen = set()
        for path in map(self.places.real, (*_WRITTEN_TO, *further)):
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
                device = os.fstat(descriptor).st_dev
                if device not in seen and ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
                    error = ctypes.get_errno()
                    raise OSError(error, os.strerror(error), path)
                seen.add(device)
                os.close(descriptor)

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Hold the node-wide lock; yields False at once when another process has it."""
        self.prepare()
        descriptor = os.open(self.volatile("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            yield lock(descriptor)
        finally:
            os.close(descriptor)


def _is_document(value: Mapping[str, Any]) -> bool:
    """Return whether a document is what was stored, going by the digest that it states."""
    preceding = {key: item for key, item in value.items() if key != "plan_digest"}
    return value.get("format") == 1 and value.get("plan_digest") == digest_of(preceding)


def lock(descriptor: int, posix: bool = False) -> bool:
    """Lock a file if nobody else has locked it, with a POSIX lock or one of flock(2); return whether it is ours."""
    try:
        (fcntl.lockf if posix else fcntl.flock)(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def write_whole(path: str, content: bytes, mode: int = 0o600) -> None:
    """Replace a file of the runner's state atomically and wait until it is on the disk."""
    temporary = f"{path}.new"
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(temporary, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(temporary)
        raise type(error)(error.errno, error.strerror, path) from None


def remove_tree(path: str) -> None:
    """Remove a folder of the runner's state as far as that is possible."""
    import shutil  # takes long to load, and a look at a node does not need it

    shutil.rmtree(path, ignore_errors=True)

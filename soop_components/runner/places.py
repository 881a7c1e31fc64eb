"""Opens paths below a root, and follows only symbolic links that root has made."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import IO

_CHUNK = 1 << 20
_TEMPORARY = ".soop-"
_LINKS_AT_MOST = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC

Made = Callable[[str], None]
"""Is called with each folder that had to be made."""


class Places:
    """The file system of the node, ``/``, or of a test."""

    def __init__(self, root: str = "/", trusted: Collection[int] | None = None) -> None:
        self.root = root
        self._trusted = {0, os.geteuid()} if trusted is None else trusted
        """The numbers of users whose symbolic links are followed."""

    def real(self, path: str) -> str:
        """Return where a path lies on the machine that runs this."""
        return path if self.root == "/" else self.root + path

    def resolved(self, path: str) -> str:
        """Return where it lies behind all symbolic links, whoever made them."""
        return os.path.realpath(self.real(path))

    def look(self, path: str) -> os.stat_result | None:
        """Return what is there, the link itself for a symbolic link; None when nothing is."""
        try:
            with self._parent(path) as (folder, name):
                return os.stat(name, dir_fd=folder, follow_symlinks=False)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def open(self, path: str) -> IO[bytes]:
        """Open a regular file for reading."""
        with self._parent(path) as (folder, name):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with _naming(path):
                descriptor = os.open(name, flags, dir_fd=folder)
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                os.close(descriptor)
                raise OSError(errno.EINVAL, "not a regular file", path)
            return open(descriptor, "rb")

    def read(self, path: str) -> bytes:
        """Return the bytes of a regular file that is known to be small."""
        with self.open(path) as file:
            return file.read()

    def names(self, path: str) -> list[str]:
        """Return what a folder holds."""
        with self._parent(f"{path}/.") as (folder, _):
            return sorted(os.listdir(folder))

    def move(self, path: str, name: str) -> None:
        """Give what is at a path another name in its folder."""
        with self._parent(path) as (folder, before), _naming(path):
            os.rename(before, name, src_dir_fd=folder, dst_dir_fd=folder)

    def target(self, path: str) -> str:
        """Return where a symbolic link points."""
        with self._parent(path) as (folder, name):
            return os.readlink(name, dir_fd=folder)

    def write(
        self, path: str, content: bytes | Iterable[bytes], mode: int, uid: int, gid: int, made: Made | None = None
    ) -> os.stat_result:
        """Write a file atomically, whole or by chunks, with its mode and owner, and return its new state."""

        def create(temporary: str, folder: int) -> None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as file:
                file.writelines((content,) if isinstance(content, bytes) else content)
                file.flush()
                _own(file.fileno(), uid, gid)
                os.fchmod(file.fileno(), mode)

        return self._replace(path, create, made or _ignore)

    def link(self, path: str, target: str, made: Made | None = None) -> None:
        """Write a symbolic link atomically."""
        self._replace(path, lambda temporary, folder: os.symlink(target, temporary, dir_fd=folder), made or _ignore)

    def _replace(self, path: str, create: Callable[[str, int], None], made: Made) -> os.stat_result:
        with self._parent(path, made) as (folder, name):
            temporary = _temporary(name)
            with _naming(path):
                _unlink(temporary, folder)
                try:
                    create(temporary, folder)
                    os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
                except BaseException:
                    _unlink(temporary, folder)
                    raise
                return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def sync(self, path: str) -> None:
        """Wait until a file or link, and its name in its folder, are on the disk."""
        with self._parent(path) as (folder, name), _naming(path):
            if stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            os.fsync(folder)

    def folder(self, path: str, mode: int, uid: int, gid: int, made: Made | None = None) -> None:
        """Make a folder unless it is there, and give it mode and owner."""
        with self._parent(path, made or _ignore) as (parent, name), _naming(path):
            with suppress(FileExistsError):
                os.mkdir(name, 0o700, dir_fd=parent)
            descriptor = os.open(name, _FOLDER, dir_fd=parent)
            try:
                _own(descriptor, uid, gid)
                os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)

    def remove(self, path: str) -> bool:
        """Remove a file or link; return whether there was one."""
        try:
            with self._parent(path) as (folder, name), _naming(path):
                return _unlink(name, folder)
        except (FileNotFoundError, NotADirectoryError):
            return False

    def remove_folder(self, path: str) -> bool:
        """Remove a folder if it is there and empty."""
        try:
            with self._parent(path) as (folder, name):
                os.rmdir(name, dir_fd=folder)
                return True
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY):
                return False
            raise

    def clear(self, path: str) -> None:
        """Remove what an interrupted write left beside a path."""
        beside = os.path.join(os.path.dirname(path), _temporary(os.path.basename(path)))
        if self.look(beside) is not None:
            self.remove(beside)

    @contextmanager
    def _parent(self, path: str, made: Made | None = None) -> Iterator[tuple[int, str]]:
        """Open the folder that a path lies in; missing ones are made if ``made`` is given."""
        *folders, name = path.strip("/").split("/")
        descriptor = self._open(folders, path, made)
        try:
            yield descriptor, name
        finally:
            os.close(descriptor)

    def _open(self, folders: list[str], path: str, made: Made | None) -> int:
        waiting, reached, links = list(reversed(folders)), "", 0
        current = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            while waiting:
                name = waiting.pop()
                try:
                    found = _enter(current, name, f"{reached}/{name}", made)
                except OSError as error:
                    if error.errno not in (errno.ELOOP, errno.ENOTDIR) or links >= _LINKS_AT_MOST:
                        raise _with_path(error, f"{reached}/{name}") from None
                    target = self._target(current, name, f"{reached}/{name}", path)
                    links += 1
                    waiting += [part for part in reversed(target.split("/")) if part not in ("", ".")]
                    if target.startswith("/"):
                        os.close(current)
                        current, reached = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC), ""
                    continue
                os.close(current)
                current, reached = found, os.path.normpath(f"{reached}/{name}")
            return current
        except BaseException:
            os.close(current)
            raise

    def _target(self, folder: int, name: str, path: str, wanted: str) -> str:
        """Return where a link in the way points, if root made it (as Debian's /lib and /var/run are)."""
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "is not a folder", path)
        if found.st_uid not in self._trusted:
            what = f"is a symbolic link that uid {found.st_uid} made; not followed to {wanted}"
            raise OSError(errno.ELOOP, what, path)
        return os.readlink(name, dir_fd=folder)


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a file, a memory's worth at a time."""
    while chunk := file.read(_CHUNK):
        yield chunk


def _enter(folder: int, name: str, path: str, made: Made | None) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except FileNotFoundError:
        if made is None:
            raise
    os.mkdir(name, 0o755, dir_fd=folder)
    descriptor = os.open(name, _FOLDER, dir_fd=folder)
    os.fchmod(descriptor, 0o755)
    made(path)
    return descriptor


def _own(descriptor: int, uid: int, gid: int) -> None:
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (uid, gid):
        os.fchown(descriptor, uid, gid)


def _unlink(name: str, folder: int) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)  # a read-only disk refuses to remove even what is not there
        os.unlink(name, dir_fd=folder)
        return True
    except FileNotFoundError:
        return False


def is_temporary(name: str) -> bool:
    """Return whether a name is that of a file that is being written."""
    return name.startswith(_TEMPORARY)


def _temporary(name: str) -> str:
    return _TEMPORARY + hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


@contextmanager
def _naming(path: str) -> Iterator[None]:
    """Let errors name the path that was meant, not the temporary name beside it."""
    try:
        yield
    except OSError as error:
        raise _with_path(error, path) from None


def _with_path(error: OSError, path: str) -> OSError:
    return type(error)(error.errno, error.strerror, path)


def _ignore(_: str) -> None:
    return None

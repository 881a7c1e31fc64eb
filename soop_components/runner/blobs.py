"""Blobs of the artifact on this node, found by digest and never used unchecked."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from soop_components.runner.failure import Failure
from soop_components.runner.host import Host
from soop_components.runner.places import chunks

if TYPE_CHECKING:
    from tarfile import TarFile

_CHUNK = 1 << 20
_HEADER = re.compile(rb"(sha256:[0-9a-f]{64}) (\d{1,15})\n")
_HEADER_AT_MOST = 100


class Blobs:
    """The blobs that were received."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._checked: set[str] = set()
        self._tars: dict[str, TarFile] = {}

    def path(self, digest: str) -> str:
        """Return where a blob lies."""
        return self._host.kept("blobs", *digest.split(":"))

    def missing(self, digests: Iterable[str]) -> list[str]:
        """Return those that are not here."""
        return sorted(digest for digest in set(digests) if not os.path.isfile(self.path(digest)))

    def checked(self, digest: str) -> str:
        """Return the path of a blob once its digest is verified; a damaged blob is removed, to be sent again."""
        path = self.path(digest)
        if digest in self._checked:
            return path
        try:
            with open(path, "rb") as file:
                found = "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise Failure("blobs", f"blob {digest} is not on this node") from None
        if found != digest:
            os.unlink(path)
            raise Failure(
                "blobs", f"blob {digest} was damaged on this node; it is removed, and the next try sends it again"
            )
        self._checked.add(digest)
        return path

    def whole(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes of a blob that is a file itself."""
        with open(self.checked(digest), "rb") as file:
            yield from chunks(file)

    def member(self, blob: str | None, source: str, digest: str | None = None) -> Iterator[bytes]:
        """Yield the bytes of a file in a component's tar; fail after the last if they have not the plan's digest."""
        file = self._open(blob, source) if blob else None
        if file is None:
            raise Failure("blobs", f"{source} is not a file in blob {blob}")
        seen = hashlib.sha256()
        for chunk in chunks(file):
            seen.update(chunk)
            yield chunk
        if digest is not None and "sha256:" + seen.hexdigest() != digest:
            raise Failure("blobs", f"{source} in blob {blob} is not the file that the plan means")

    def _open(self, blob: str, source: str) -> IO[bytes] | None:
        """Open a file; None if it is missing, no file, or has holes, which make it larger than its blob."""
        import tarfile  # takes long to load, and a look at a node does not need it

        wrong = (KeyError, tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError)
        path = self.checked(blob)
        try:
            tar = self._tars[blob] = self._tars.get(blob) or tarfile.TarFile(path)
            member = tar.getmember(source)
            return tar.extractfile(member) if member.isreg() and member.sparse is None else None
        except wrong:
            return None

    def receive(self, stream: IO[bytes]) -> None:
        """Store each blob of a stream, up to an empty line, once its digest was checked."""
        self._host.prepare()
        while (header := stream.readline(_HEADER_AT_MOST)) not in (b"", b"\n"):
            found = _HEADER.fullmatch(header)
            if found is None:
                raise Failure("blobs", "the input is not a stream of blobs")
            self._receive_one(stream, found[1].decode(), int(found[2]))

    def _receive_one(self, stream: IO[bytes], digest: str, size: int) -> None:
        path = self.path(digest)
        temporary = f"{path}.{os.getpid()}.new"
        seen = hashlib.sha256()
        try:
            with open(temporary, "wb") as file:
                left = size
                while left and (chunk := stream.read(min(left, _CHUNK))):
                    file.write(chunk)
                    seen.update(chunk)
                    left -= len(chunk)
            if left:
                raise Failure("blobs", f"blob {digest} ended {left} bytes early")
            if "sha256:" + seen.hexdigest() != digest:
                raise Failure("blobs", f"blob {digest} arrived damaged")
            os.rename(temporary, path)
        except OSError as error:
            raise type(error)(error.errno, error.strerror, path) from None
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)

    def prune(self, keep: Iterable[str]) -> None:
        """Remove all others, and what interrupted transfers left."""
        names = {digest.split(":")[1] for digest in keep}
        folder = self._host.kept("blobs", "sha256")
        for name in set(os.listdir(folder)) - names:
            os.unlink(os.path.join(folder, name))

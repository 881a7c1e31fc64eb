"""An OCI image layout in a folder: read with distrust, written atomically."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from soop_components.artifact import oci
from soop_components.errors import SoopError
from soop_components.reading.regular_file import read_regular_file

_CHUNK = 2**20
_ADVICE = "copy the store again from where it came, or remove it and build again"


class BrokenBlob(SoopError):
    """A blob is missing, has another size, or is not what its digest says."""


class Layout:
    """Blobs by digest, and an index of what they make up."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._checked: dict[str, tuple[int, int, int]] = {}

    def index(self) -> oci.Index:
        """Return what the layout holds; a folder that is not there yet holds nothing."""
        path = self.path / "index.json"
        if not path.exists():
            return oci.Index()
        try:
            content = read_regular_file(path, oci.MAXIMUM_INDEX + 1)
        except OSError as error:
            raise SoopError(f"{path} cannot be read: {error.strerror}", _ADVICE) from None
        if len(content) > oci.MAXIMUM_INDEX:
            raise SoopError(f"{path}: expected at most {oci.MAXIMUM_INDEX} bytes", _ADVICE)
        return oci.parse(oci.Index, content, str(path), _ADVICE)

    def entries(self) -> list[oci.Descriptor]:
        """Return the descriptors of the index that have a name."""
        entries = []
        for number, raw in enumerate(self.index().manifests):
            place = f"{self.path}/index.json: manifests[{number}]"
            descriptor = oci.parse(oci.Descriptor, oci.canonical(raw), place, _ADVICE)
            if descriptor.reference:
                entries.append(descriptor)
        return entries

    def blob_file(self, digest: str) -> Path:
        """Return where a blob lies if it is there."""
        return self.path / "blobs" / "sha256" / digest.removeprefix("sha256:")

    def blob(self, descriptor: oci.Descriptor) -> Path:
        """Return the path of a blob after checking its size and its digest."""
        path = self.blob_file(descriptor.digest)
        identity = _identity(path, descriptor)
        if self._checked.get(descriptor.digest) != identity:
            if digest_of(path) != descriptor.digest:
                raise BrokenBlob(f"blob {descriptor.digest} is damaged: its content has another digest")
            self._checked[descriptor.digest] = identity
        return path

    def read(self, descriptor: oci.Descriptor, limit: int) -> bytes:
        """Return the content of a small blob after checking it."""
        if descriptor.size > limit:
            raise BrokenBlob(f"blob {descriptor.digest}: expected at most {limit} bytes, not {descriptor.size}")
        return self.blob(descriptor).read_bytes()

    @contextlib.contextmanager
    def writing(self) -> Iterator[Writer]:
        """Hold the layout's lock and write; nothing is visible before ``publish``."""
        incoming = self.path / "incoming"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            with (self.path / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                shutil.rmtree(incoming, ignore_errors=True)  # of a build that was interrupted
                incoming.mkdir()
                try:
                    yield Writer(self, incoming)
                finally:
                    shutil.rmtree(incoming, ignore_errors=True)
        except OSError as error:
            place = Path(error.filename or self.path)
            if not place.is_relative_to(self.path):
                raise  # is about what is read
            advice = "what is in the store stays; make room there, or name another one in SOOP_STORE"
            raise SoopError(f"{place} cannot be written: {error.strerror}", advice) from None


class Writer:
    """New blobs, kept aside until they are published together."""

    def __init__(self, layout: Layout, incoming: Path) -> None:
        self._layout = layout
        self._incoming = incoming
        self._new: dict[str, Path] = {}

    @contextlib.contextmanager
    def stream(self) -> Iterator[HashingFile]:
        """Open a new blob for writing; its digest and size are known when it is closed."""
        descriptor, name = tempfile.mkstemp(dir=self._incoming)
        with os.fdopen(descriptor, "wb") as file:
            writer = HashingFile(file)
            yield writer
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o644)
        self._new[writer.digest] = Path(name)

    def add(self, content: bytes) -> tuple[str, int]:
        """Add a blob and return its digest and size."""
        with self.stream() as blob:
            blob.write(content)
        return blob.digest, blob.size

    def add_file(self, path: Path) -> tuple[str, int]:
        """Add a copy of a file, unless it is a blob of this layout already."""
        if path.parent == self._layout.blob_file("").parent:
            return digest_of(path), path.stat().st_size
        with path.open("rb") as source, self.stream() as blob:
            while chunk := source.read(_CHUNK):
                blob.write(chunk)
        return blob.digest, blob.size

    def publish(self, entry: oci.Descriptor) -> None:
        """Move the new blobs to their places, then list ``entry`` in the index, in the place of its namesake."""
        folder = self._layout.path / "blobs" / "sha256"
        folder.mkdir(parents=True, exist_ok=True)
        for digest, path in self._new.items():
            path.replace(self._layout.blob_file(digest))
        _sync_folder(folder)
        kept = [raw for raw in self._layout.index().manifests if _name_of(raw) != entry.reference]
        new = entry.model_dump(mode="json", by_alias=True, exclude_none=True)
        index = oci.Index(manifests=tuple(sorted([*kept, new], key=lambda raw: str(_name_of(raw)))))
        self._replace("oci-layout", oci.LAYOUT_FILE)
        self._replace("index.json", oci.shape_bytes(index))
        _sync_folder(self._layout.path)

    def _replace(self, name: str, content: bytes) -> None:
        temporary = self._incoming / name
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._layout.path / name)


class HashingFile:
    """A binary file that knows the digest and the size of what was read from it or written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        """Read as the file does."""
        return self._count(self._file.read(size))

    def write(self, content: bytes) -> int:
        """Write as the file does."""
        return self._file.write(self._count(content))

    def _count(self, content: bytes) -> bytes:
        self._hash.update(content)
        self.size += len(content)
        return content

    @property
    def digest(self) -> str:
        """Of everything that was read or written so far."""
        return f"sha256:{self._hash.hexdigest()}"


def digest_of(path: Path) -> str:
    """Return the digest of a file's content."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def _identity(path: Path, descriptor: oci.Descriptor) -> tuple[int, int, int]:
    """Return what changes when a blob is written anew, after checking that it is a file of the right size."""
    try:
        status = path.lstat()
    except OSError:
        raise BrokenBlob(f"blob {descriptor.digest} is missing") from None
    if not stat.S_ISREG(status.st_mode):
        raise BrokenBlob(f"blob {descriptor.digest} is not a regular file")
    if status.st_size != descriptor.size:
        raise BrokenBlob(
            f"blob {descriptor.digest} has the wrong size: {descriptor.size} bytes expected, {status.st_size} found"
        )
    return status.st_ino, status.st_size, status.st_mtime_ns


def _name_of(raw: dict[str, Any]) -> str | None:
    annotations = raw.get("annotations")
    name = annotations.get(oci.REFERENCE_NAME) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) else None


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

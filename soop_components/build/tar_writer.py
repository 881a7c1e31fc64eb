"""Plain tars whose bytes follow from the names, modes and contents of the files and from nothing else."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from typing import IO, BinaryIO, cast

from soop_components.artifact.definition import PackedFile
from soop_components.artifact.layout import HashingWriter
from soop_components.artifact.tar_check import header_of
from soop_components.build.source_files import SourceFile
from soop_components.errors import SoopError


def pack(files: Mapping[str, SourceFile], target: HashingWriter) -> dict[str, PackedFile]:
    """Write a tar of the files, by path, and return what is in it."""
    packed: dict[str, PackedFile] = {}
    with tarfile.open(fileobj=cast(IO[bytes], target), mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            packed[name] = _add(tar, name, files[name])
    return packed


def _add(tar: tarfile.TarFile, name: str, source: SourceFile) -> PackedFile:
    with source.path.open("rb") as file:
        file.seek(0, 2)
        member = header_of(name, file.tell(), source.mode)
        file.seek(0)
        reader = _HashingReader(file)
        try:
            tar.addfile(member, cast(IO[bytes], reader))
        except OSError as error:
            if error.errno is not None:
                raise
            raise SoopError(f"{name} became shorter while it was packed", "run soop build again") from None
    return PackedFile(digest=reader.digest, size=member.size, mode=source.mode)


class _HashingReader:
    """A file that knows the digest of what was read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        content = self._file.read(size)
        self._hash.update(content)
        return content

    @property
    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"

"""Plain tars whose bytes follow from the names, modes and contents of the files and from nothing else."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from typing import IO, cast

from soop_components.artifact.definition import PackedFile
from soop_components.artifact.layout import HashingFile
from soop_components.artifact.tar_check import header_of
from soop_components.build.source_files import SourceFile
from soop_components.errors import SoopError


def pack(files: Mapping[str, SourceFile], target: HashingFile) -> dict[str, PackedFile]:
    """Write a tar of the files, by path, and return what is in it."""
    packed: dict[str, PackedFile] = {}
    with tarfile.open(fileobj=cast(IO[bytes], target), mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for name in sorted(files):
            packed[name] = _add(tar, name, files[name])
    return packed


def _add(tar: tarfile.TarFile, name: str, source: SourceFile) -> PackedFile:
    with source.open() as file:
        file.seek(0, 2)
        member = header_of(name, file.tell(), source.mode)
        file.seek(0)
        reader = HashingFile(file)
        try:
            tar.addfile(member, cast(IO[bytes], reader))
        except OSError as error:
            if error.errno is not None:
                raise
            raise SoopError(f"{name} became shorter while it was packed", "run soop build again") from None
    return PackedFile(digest=reader.digest, size=member.size, mode=source.mode)

"""What is inside a component's tar: exactly the files that the definition lists, as a build packs them.

The tar of a stranger is never handed to something that interprets it: what a build would have written is made up again
out of the definition and compared. So links, devices, sparse files, two files of one name and paths that lead elsewhere
need no rule of their own.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

from soop_components.artifact.definition import PackedFile

_CHUNK = 2**20


def header_of(name: str, size: int, mode: str) -> tarfile.TarInfo:
    """Return what a tar says of a file, and nothing else."""
    member = tarfile.TarInfo(name)
    member.mode = int(mode, 8)
    member.size = size
    return member


def tar_problem(path: Path, files: Mapping[str, PackedFile]) -> str | None:
    """Say where a tar is not what a build makes of these files."""
    with path.open("rb") as tar:
        for name in sorted(files):
            problem = _member_problem(tar, name, files[name])
            if problem:
                return problem
        end = tar.tell()
        size = -(-(end + 2 * tarfile.BLOCKSIZE) // tarfile.RECORDSIZE) * tarfile.RECORDSIZE
        rest = tar.read(tarfile.RECORDSIZE + 2 * tarfile.BLOCKSIZE + 1)
    if any(rest):
        return "holds more than the definition lists"
    return None if end + len(rest) == size else "does not end as a tar does"


def _member_problem(tar: BinaryIO, name: str, file: PackedFile) -> str | None:
    expected = header_of(name, file.size, file.mode).tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
    if tar.read(len(expected)) != expected:
        return f"expected the file {name}, {file.size} bytes, mode {file.mode}, where something else is"
    seen = hashlib.sha256()
    left = file.size
    while left and (chunk := tar.read(min(left, _CHUNK))):
        seen.update(chunk)
        left -= len(chunk)
    if left or f"sha256:{seen.hexdigest()}" != file.digest:
        return f"the file {name} in it is not the one that the definition means"
    padding = -file.size % tarfile.BLOCKSIZE
    return None if tar.read(padding) == bytes(padding) else f"the file {name} in it does not end as in a tar"

"""Files in a blob that is a tar; apart, since reading one takes modules that a look at a node needs not load."""

from __future__ import annotations

import tarfile

_BROKEN = (KeyError, tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError)
"""What reading a tar that was not made by us may end with."""


class Tar:
    """An open tar without compression."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._archive: tarfile.TarFile | None = None

    def file(self, source: str) -> bytes | None:
        """Return a file's bytes.

        None for what is not there or cannot be read, a link, a device, or a file whose holes make it larger than its
        blob.
        """
        try:
            if self._archive is None:
                self._archive = tarfile.open(self._path, "r:")  # noqa: SIM115 - kept open for more files
            member = self._archive.getmember(source)
            if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None:
                return None
            file = self._archive.extractfile(member)
            return file.read() if file is not None else None
        except _BROKEN:
            return None

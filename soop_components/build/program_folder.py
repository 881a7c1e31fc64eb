"""A program that is a folder: a Python package becomes one file, which a node runs as ``python3 -m`` runs the package.

Format: a zip after the line that says what runs it (Python's PEP 441). Its bytes follow from names and contents alone.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

_RUN_BY = b"#!/usr/bin/python3\n"
_ENTRY = 'import runpy\n\nrunpy.run_module("{}", run_name="__main__", alter_sys=True)\n'
_MOMENT = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16
_UNIX = 3


def program_of(folder: Path) -> bytes:
    """Return the modules of a package as one program; nothing is compressed, since compressors differ."""
    members = {path.relative_to(folder.parent).as_posix(): path.read_bytes() for path in folder.rglob("*.py")}
    members["__main__.py"] = _ENTRY.format(folder.name).encode()
    buffer = io.BytesIO()
    buffer.write(_RUN_BY)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in sorted(members.items()):
            member = zipfile.ZipInfo(name, _MOMENT)
            member.create_system, member.external_attr = _UNIX, _MODE
            archive.writestr(member, content)
    return buffer.getvalue()

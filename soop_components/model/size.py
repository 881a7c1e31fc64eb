"""Sizes of memory and disks, such as ``512MiB``."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

SIZE = r"[1-9][0-9]{0,5}(?:MiB|GiB|TiB)"
Size = Annotated[str, StringConstraints(pattern=rf"^{SIZE}$")]
_FACTORS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def bytes_of(size: str) -> int:
    """Return the bytes of a size that the model has accepted, ``10GiB``."""
    return int(size[:-3]) * _FACTORS[size[-3:]]


def size_text(size: int) -> str:
    """Write a number of bytes as a size."""
    return f"{size // 2**30}GiB" if size % 2**30 == 0 else f"{size // 2**20}MiB"

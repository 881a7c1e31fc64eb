"""Sizes such as ``512MiB`` in bytes."""

from __future__ import annotations

_FACTORS = {"MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}


def bytes_of(size: str) -> int:
    """Return the bytes of a size that the model has accepted, ``10GiB``."""
    return int(size[:-3]) * _FACTORS[size[-3:]]

"""What seals a stack's secrets, as its file says beside the domain definition: a passphrase, or a key of a cloud."""

from __future__ import annotations

from pathlib import Path

from soop_components.errors import SoopError
from soop_components.reading.yaml_file import read_yaml

_ADDED = (b"encryptionsalt:", b"encryptedkey:")
"""Beginnings of the lines that the engine adds to a stack's file."""


def secrets_provider(path: Path) -> str | None:
    """Return which key a stack's file names, ``awskms://alias/soop``; None for the engine's own choice.

    A new stack has to be told: by itself, the engine would take a passphrase, and take this line out of the file.
    """
    try:
        found = read_yaml(path, path.name).data if path.exists() else {}
    except SoopError:
        return None  # whoever reads the definition says what is wrong
    said = found.get("secretsprovider") if isinstance(found, dict) else None
    return said if isinstance(said, str) else None


def with_seal(before: bytes, after: bytes) -> bytes:
    """Return ``before`` with the salt, or the sealed key, that the engine added in ``after``."""
    added = [line for line in after.splitlines() if line.startswith(_ADDED)]
    if not added or any(line.startswith(_ADDED) for line in before.splitlines()):
        return after
    return before + (b"" if before.endswith(b"\n") or not before else b"\n") + added[0] + b"\n"

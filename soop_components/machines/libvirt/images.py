"""Whether the image of a base is there, and is the one that the environment means."""

from __future__ import annotations

import hashlib
from pathlib import Path

from soop_components.machines.libvirt.settings import VmImage

_SHOWN = 12
"""Digits of a digest in messages and names of volumes."""


def image_problem(root: Path, image: VmImage) -> str | None:
    """Say why machines cannot be made from an image, which lies below ``root`` or anywhere.

    Its content is always looked at. The name of the volume that libvirt's host has of it says the digest, machines of
    other domains run on that volume, and libvirt's provider writes the file to it once more where it is there already.
    """
    try:
        with (root / image.file).open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"whose image {image.file} cannot be read: {error.strerror}"
    if found != image.sha256:
        return f"whose image {image.file} has the SHA-256 {found[:_SHOWN]}… and not {image.sha256[:_SHOWN]}…"
    return None


def volume_name(base: str, image: VmImage) -> str:
    """Return what the volume with an image is called in a storage pool."""
    return f"{base}-{image.sha256[:_SHOWN]}"

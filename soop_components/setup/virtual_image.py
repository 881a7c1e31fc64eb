"""The images that virtual machines start from: the system of base images, with a kernel and cloud-init."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from soop_components.project import Project
from soop_components.setup import base_image, step
from soop_components.setup.root_access import as_root

_DISK = Path(__file__).with_name("virtual_disk.py")


def image_of(project: Project, base: str) -> Path:
    """Return where the image of a base lies."""
    return project.images / f"{base}-vm.qcow2"


def ensure(project: Project, base: str, release: str, *, refresh: bool = False) -> Path:
    """Return the image of a base; it is built when there is none, or to ``refresh`` it.

    Its digest is pinned in environments, so it stays as it is until somebody asks for another one.
    """
    image = image_of(project, base)
    system = image.with_suffix("")
    if image.is_file() and not refresh:
        return image
    base_image.build(project, system.name, release)
    owner = f"{os.getuid()}:{os.getgid()}"
    # In a mount namespace of its own: whatever ends the program ends its mount, too.
    argv: step.Argv = ["unshare", "--mount", "/usr/bin/python3", "-I", _DISK, system, image, owner]
    step.run(f"writing {image.name}", as_root(argv), project.logs / f"image-{image.name}.log")
    remove: step.Argv = ["rm", "-rf", "--one-file-system", "--", system]
    step.run(f"removing {system.name}, which {image.name} holds", as_root(remove), project.logs / "image-rm.log")
    return image


def setting(project: Project, base: str, image: Path) -> str:
    """Return what an environment's file says of an image."""
    with image.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"    {base}:\n      file: {image.relative_to(project.root)}\n      sha256: {digest}"

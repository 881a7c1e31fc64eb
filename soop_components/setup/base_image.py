"""The base image of local machines, built as root by debian_12.py beside this file."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from soop_components.build.apt_settings import host_sources
from soop_components.project import Project
from soop_components.setup import step
from soop_components.setup.debian_12 import NAME, RELEASE
from soop_components.setup.root_access import as_root

RECIPE = Path(__file__).with_name("debian_12.py")


def ensure(project: Project) -> None:
    """Build the image when there is none, or when its recipe has changed and no machine was made from it."""
    made_from = project.images / f"{NAME}.made-from"
    wanted = hashlib.sha256(RECIPE.read_bytes()).hexdigest()
    present = (project.images / f"{NAME}.json").is_file()
    if present and made_from.is_file() and made_from.read_text() == wanted:
        return
    if present and any(project.machines.glob("*/*/*")):  # running or not: they keep only what differs from the image
        print("the base image's recipe has changed; it is built anew by the first setup without machines")
        return
    project.images.mkdir(mode=0o700, exist_ok=True)
    made_from.unlink(missing_ok=True)
    owner = f"{os.getuid()}:{os.getgid()}"
    sources = host_sources(RELEASE, project.cache / "apt" / "host")
    argv: step.Argv = ["/usr/bin/python3", "-I", RECIPE, project.images, owner, *sources]
    step.run("building the base image debian-12 (once; half a minute)", as_root(argv), project.logs / "image.log")
    made_from.write_text(wanted)

"""The base images of local machines, built as root by debian.py beside this file."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from soop_components.build.apt_settings import host_sources
from soop_components.model.bases import DEFAULT_BASE
from soop_components.project import Project
from soop_components.setup import step
from soop_components.setup.root_access import as_root

RECIPE = Path(__file__).with_name("debian.py")
_BASE = re.compile(r"""^base: *["']?([a-z][a-z0-9.-]*)""", re.MULTILINE)


def needed(project: Project, known: Sequence[str]) -> list[str]:
    """Return the base images that the project's service definitions name, in order; the default one if it has none."""
    texts = (path.read_text(errors="replace") for path in project.service_defs.glob("*/service.yaml"))
    named = {match[1] if (match := _BASE.search(text)) else DEFAULT_BASE for text in texts}
    return [name for name in known if name in (named or {DEFAULT_BASE})]


def ensure(project: Project, name: str, release: str, *, refresh: bool = False) -> None:
    """Build an image when there is none, when its recipe has changed and no machine was made, or to ``refresh`` it.

    Machines go on with the image that they were made from until they are replaced.
    """
    made_from = project.images / f"{name}.made-from"
    wanted = hashlib.sha256(RECIPE.read_bytes()).hexdigest()
    present = (project.images / f"{name}.json").is_file()
    if present and not refresh and made_from.is_file() and made_from.read_text() == wanted:
        return
    if present and not refresh and any(project.machines.glob("*/*/*")):
        print(f"the recipe of the base image {name} has changed; to build it anew: soop setup --refresh {name}")
        return
    made_from.unlink(missing_ok=True)
    build(project, name, release)
    made_from.write_text(wanted)
    for folder in unused(project, name):
        remove: step.Argv = ["rm", "-rf", "--one-file-system", "--", folder]
        step.run(f"removing {folder.name}, of which no machine is left", as_root(remove), project.logs / "image-rm.log")


def build(project: Project, name: str, release: str) -> None:
    """Build an image by the recipe."""
    project.images.mkdir(mode=0o700, exist_ok=True)
    owner = f"{os.getuid()}:{os.getgid()}"
    sources = host_sources(release, project.cache / "apt" / "host")
    argv: step.Argv = ["/usr/bin/python3", "-I", RECIPE, project.images, owner, name, release, *sources]
    step.run(f"building the base image {name} (half a minute)", as_root(argv), project.logs / f"image-{name}.log")


def unused(project: Project, name: str) -> Iterator[Path]:
    """Yield earlier versions of an image from which no machine was made; none if a machine does not say its own."""
    used = set()
    for machine in project.machines.glob("*/*/*"):
        try:
            digest = json.loads((machine / "machine.json").read_text())["image_digest"]
        except (OSError, ValueError, LookupError, TypeError):
            return
        used.add(str(digest).removeprefix("sha256:")[:12])
    for folder in sorted(project.images.glob(f"{name}.*")):
        if folder.is_dir() and re.fullmatch("[0-9a-f]{12}", folder.suffix[1:]) and folder.suffix[1:] not in used:
            yield folder

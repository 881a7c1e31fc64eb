"""A machine's own layer over the base image: what is in its root file system and not in the image."""

from __future__ import annotations

import shutil
from contextlib import ExitStack, suppress
from pathlib import Path

from . import seed
from .command import run
from .files import open_folder, path_of
from .request import HostKey, Spec

_LAYERS = ("upper", "work")
_NEW = "new"


def make(folder: Path, spec: Spec, host_key: HostKey) -> None:
    """Make the layers of a new machine in its folder."""
    for layer in _LAYERS:
        (folder / layer).mkdir(mode=0o755)
    seed.write_files(folder / "upper", spec, host_key)


def renew(folder: Path, spec: Spec, public_key: str) -> None:
    """Make the layers of a machine that does not run anew, with the host key that it had.

    They are complete before they take the place of the old ones.
    """
    _settle(folder)
    with ExitStack() as stack:
        private_key = seed.private_key(open_folder(stack, folder / "upper"), spec.name)
    new = folder / _NEW
    new.mkdir(mode=0o700)
    make(new, spec, HostKey(private_key, public_key))
    (new / "complete").touch()
    _settle(folder)


def mount(folder: Path, image: Path, root: Path) -> None:
    """Mount a machine's root, its own layer over the base image."""
    _settle(folder)
    with ExitStack() as stack:
        upper, work = (path_of(open_folder(stack, folder / layer)) for layer in _LAYERS)
        run("mount", "-t", "overlay", "-o", f"lowerdir={image},upperdir={upper},workdir={work}", "overlay", str(root))


def _settle(folder: Path) -> None:
    """Put new layers in the place of the old ones if they are complete, and remove what is left of either."""
    if (folder / _NEW / "complete").exists():
        for layer in _LAYERS:
            if (folder / _NEW / layer).exists():
                _remove(folder / layer)
                (folder / _NEW / layer).rename(folder / layer)
    _remove(folder / _NEW)


def _remove(path: Path) -> None:
    with suppress(FileNotFoundError):
        shutil.rmtree(path)

"""One command at a time changes a domain from this checkout; beyond it, the engine's own lock does."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from soop_components.errors import SoopError
from soop_components.project import Project


@contextmanager
def domain_lock(project: Project, id: str) -> Iterator[None]:
    """Keep other soop commands from changing the domain meanwhile; refuse when one does already."""
    folder = project.make_home() / "run"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / f"{id}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SoopError(f"another soop command is changing {id}", "wait until it has ended") from None
        yield

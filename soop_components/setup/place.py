"""The folders that a project is set up in."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from soop_components.errors import SoopError


@dataclass(frozen=True)
class Place:
    """Where things are; all that is made here is ignored by git and belongs to this project alone."""

    root: Path

    @property
    def home(self) -> Path:
        """State, machines, images and logs."""
        return self.root / ".soop"

    @property
    def venv(self) -> Path:
        """The Python environment."""
        return self.root / ".venv"

    @property
    def built(self) -> Path:
        """Pulumi's engine and our language host, where they were built here."""
        return self.root / ".toolchain"

    @property
    def images(self) -> Path:
        """Base images of local machines."""
        return self.home / "images"

    @property
    def logs(self) -> Path:
        """The output of long steps."""
        return self.home / "log"

    def make_home(self) -> None:
        """Make the folders that only the owner may look into."""
        for folder in (self.home, self.home / "state", self.home / "pulumi", self.logs, self.images):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the place for this process; another one that is setting it up is an error."""
        self.make_home()
        handle = os.open(self.home / "setup.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SoopError(f"{self.root} is being set up by another process; wait for it") from None
            yield
        finally:
            os.close(handle)

"""The base image of a service's nodes: which packages are there before anything is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from soop_components.artifact.definition import Base
from soop_components.errors import SoopError

SUITES = {"debian-12": "bookworm", "debian-13": "trixie"}
"""The Debian release of each base, as package sources name it."""
PYTHONS = {"debian-12": ("3.11", 36), "debian-13": ("3.13", 41)}
"""The Python of each base, and the second number of its glibc 2.x: what wheels have to fit."""


@dataclass(frozen=True)
class BaseImage:
    """A base image of this host, made by ``soop setup``."""

    base: Base
    """Its name, and a digest over its packages and their versions."""
    status: Path
    """Its dpkg database."""

    @classmethod
    def find(cls, images: Path, name: str) -> BaseImage:
        """Return the base image with this name; the error says how to make it."""
        record = images / f"{name}.json"
        status = images / name / "var" / "lib" / "dpkg" / "status"
        try:
            base = Base.model_validate_json(record.read_bytes())
        except (OSError, ValidationError):
            raise SoopError(
                f"the base image {name} is not there: no {record}", f"make it with: soop setup {name}"
            ) from None
        if not status.is_file():
            raise SoopError(f"the base image {name} has no {status}", f"make it anew with: soop setup --refresh {name}")
        return cls(base, status)

"""The folders of a checkout of this repository."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from soop_components.project import Project


@dataclass(frozen=True)
class Checkout(Project):
    """A project that also holds what it is made with."""

    @property
    def toolchain(self) -> Path:
        """The sources of the engine's build and of the language host."""
        return self.root / "toolchain"

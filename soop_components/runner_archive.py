"""The runner as it travels: one zip archive that Python can run, the same bytes for the same sources."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

FOLDER_ON_NODE: Final = "/var/lib/soop/runner"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_START: Final = "from soop_components.runner.main import main\n\nmain()\n"


@dataclass(frozen=True)
class RunnerArchive:
    """The archive's bytes and the digest by which a node knows whether it has it."""

    content: bytes = field(repr=False)
    digest: str
    """Hexadecimal SHA-256 of ``content``."""

    @property
    def path_on_node(self) -> str:
        """Where the archive lies on a node."""
        return f"{FOLDER_ON_NODE}/{self.digest}.pyz"

    @classmethod
    def build(cls) -> RunnerArchive:
        """Pack the package ``soop_components.runner``; it imports nothing but the standard library."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            _add(archive, "__main__.py", _START)
            _add(archive, "soop_components/__init__.py", "")
            for module in sorted(_modules(), key=lambda module: module.name):
                _add(archive, f"soop_components/runner/{module.name}", module.read_text("utf-8"))
        content = buffer.getvalue()
        return cls(content, hashlib.sha256(content).hexdigest())


def _modules() -> list[Traversable]:
    folder = resources.files("soop_components.runner")
    return [module for module in folder.iterdir() if module.name.endswith(".py")]


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    """Add a module with a fixed time, so that the same sources give the same bytes."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, text)

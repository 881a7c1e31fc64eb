"""The runner as one file that travels to the node: a zip that Python runs, with the same bytes from the same source."""

from __future__ import annotations

import hashlib
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
FOLDER_ON_NODE = "/var/lib/soop/runner"
_BEGINNING_OF_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class RunnerArchive:
    """The archive's bytes, named on the node by their digest."""

    content: bytes = field(repr=False)
    digest: str
    """Hexadecimal SHA-256 of ``content``."""

    @classmethod
    def build(cls) -> RunnerArchive:
        """Pack the package ``runner``; nothing is compressed, since compressors differ between versions."""
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
            for name, content in sorted(_members().items()):
                member = zipfile.ZipInfo(name, _BEGINNING_OF_TIME)
                member.create_system = 3
                member.external_attr = 0o100644 << 16
                archive.writestr(member, content)
        content = buffer.getvalue()
        return cls(content, hashlib.sha256(content).hexdigest())

    @property
    def path_on_node(self) -> str:
        """Where it lies on the node: ``python3 -I PATH VERB``."""
        return f"{FOLDER_ON_NODE}/{self.digest}.pyz"


def _members() -> dict[str, bytes]:
    sources = sorted((_PACKAGE / "runner").glob("*.py"))
    members = {f"soop_components/runner/{source.name}": source.read_bytes() for source in sources}
    entry = members.pop("soop_components/runner/__main__.py")
    return {**members, "__main__.py": entry, "soop_components/__init__.py": b""}

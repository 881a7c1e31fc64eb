"""The runner as a tar that travels to the node, with the same bytes from the same source."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

_PACKAGE = Path(__file__).parent.parent
FOLDER_ON_NODE = "/var/lib/soop/runner"
SUMS = "SHA256SUMS"
"""The member that lists the digests of all others, as sha256sum reads it."""


@dataclass(frozen=True)
class RunnerArchive:
    """The archive's bytes, known on the node by a digest."""

    content: bytes = field(repr=False)
    digest: str
    """Hexadecimal SHA-256 of its list of digests, so of all that is unpacked."""

    @classmethod
    def build(cls) -> RunnerArchive:
        """Pack the package ``runner``; nothing is compressed, since compressors differ between versions."""
        buffer, members = io.BytesIO(), _members()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
            sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in members.items())
            for name, content in sorted({**members, SUMS: sums.encode()}.items()):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return cls(buffer.getvalue(), hashlib.sha256(sums.encode()).hexdigest())

    @property
    def path_on_node(self) -> str:
        """The folder that it is unpacked into: ``python3 -I PATH serve``."""
        return f"{FOLDER_ON_NODE}/{self.digest}"


def _members() -> dict[str, bytes]:
    sources = sorted((_PACKAGE / "runner").glob("*.py"))
    members = {f"soop_components/runner/{source.name}": source.read_bytes() for source in sources}
    entry = members.pop("soop_components/runner/__main__.py")
    return {**members, "__main__.py": entry, "soop_components/__init__.py": b""}

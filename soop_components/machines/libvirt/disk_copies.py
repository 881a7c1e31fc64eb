"""What snapshots are at libvirt: volumes beside that of a node's disk, each with another one that says what it is.

``NODE-data@LABEL`` is a copy of the disk, ``NODE-data@LABEL.json`` the record; one without a record was never complete.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from soop_components.errors import SoopError
from soop_components.machines.libvirt.virsh import Virsh
from soop_components.machines.snapshots import Snapshot
from soop_components.model.names import NodeName

_DATA = "-data"
_RECORD = ".json"
_KEYS = ("taken", "of", "digest")


def data_volume(node: str) -> str:
    """Return what the volume of a node's disk is called."""
    return f"{node}{_DATA}"


class Copy(NamedTuple):
    """A volume that is, or will be, a snapshot of a node's disk."""

    pool: str
    node: str
    label: str

    @property
    def volume(self) -> str:
        """Return the volume's name."""
        return f"{data_volume(self.node)}@{self.label}"

    @property
    def record(self) -> str:
        """Return the name of the volume that says what it is."""
        return self.volume + _RECORD

    @classmethod
    def of_record(cls, pool: str, name: str) -> Copy | None:
        """Return what a volume of this name is the record of; None if it is none."""
        node, found, label = name.removesuffix(_RECORD).partition(f"{_DATA}@")
        if not found or not name.endswith(_RECORD):
            return None
        try:
            NodeName.parse(node)
        except ValueError:
            return None
        return cls(pool, node, label)


async def write_record(virsh: Virsh, copy: Copy, about: dict[str, str]) -> Snapshot:
    """Say of a copy that it is complete, and what it is of."""
    with TemporaryDirectory(prefix="soop-record-") as folder:
        path = Path(folder, "record")
        path.write_text(json.dumps(about))
        size = f"{path.stat().st_size}B"
        await virsh("vol-create-as", copy.pool, copy.record, size, "--format", "raw")
        await virsh("vol-upload", "--pool", copy.pool, copy.record, str(path))
    return await _snapshot(virsh, copy, about)


async def snapshot_of(virsh: Virsh, copy: Copy) -> Snapshot | None:
    """Return what the record of a copy says; None if it is not complete."""
    with TemporaryDirectory(prefix="soop-record-") as folder:
        path = Path(folder, "record")
        await virsh("vol-download", "--pool", copy.pool, copy.record, str(path))
        try:
            said = json.loads(path.read_text(errors="replace").rstrip("\0"))
            about = {key: str(said[key]) for key in _KEYS}
        except (ValueError, LookupError, TypeError):
            return None  # a killed run has begun to write it
    return await _snapshot(virsh, copy, about)


async def _snapshot(virsh: Virsh, copy: Copy, about: dict[str, str]) -> Snapshot:
    return Snapshot(copy.node, copy.label, size=await allocated(virsh, copy.pool, copy.volume), **about)


async def remove(virsh: Virsh, copy: Copy) -> None:
    """Remove a copy; its record goes first."""
    for name in (copy.record, copy.volume):
        if await virsh.succeeds("vol-path", "--pool", copy.pool, name):
            await virsh("vol-delete", "--pool", copy.pool, name)


async def allocated(virsh: Virsh, pool: str, volume: str) -> int:
    """Return how many bytes a volume takes."""
    return await _bytes(virsh, pool, volume, "Allocation")


async def capacity(virsh: Virsh, pool: str, volume: str) -> int:
    """Return how large a disk a volume is."""
    return await _bytes(virsh, pool, volume, "Capacity")


async def _bytes(virsh: Virsh, pool: str, volume: str, what: str) -> int:
    for line in (await virsh("vol-info", "--bytes", "--pool", pool, volume)).splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0])
    raise SoopError(f"libvirt does not say the {what} of the volume {volume}")

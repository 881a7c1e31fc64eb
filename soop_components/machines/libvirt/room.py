"""Whether libvirt's host has memory for machines: libvirt itself starts more than there is room for."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.errors import SoopError
from soop_components.machines.libvirt.virsh import Virsh
from soop_components.model.size import size_text

_PATIENCE = 60.0
"""Seconds that each answer may take: without it a plan is made as well."""
_AVAILABLE = ("free", "buffers", "cached")


def room_problem(uri: str, memory: Mapping[str, int]) -> str | None:
    """Say that there is too little for those of some machines, of which it is known how large they are, that are new.

    Where libvirt does not answer, its provider says so.
    """
    virsh = Virsh(uri)
    try:
        there = virsh.run("list", "--all", "--name", seconds=_PATIENCE).split()
        needed = sum(size for node, size in memory.items() if node not in there)
        available = _available(virsh.run("nodememstats", seconds=_PATIENCE))
    except SoopError:
        return None
    if needed <= available:
        return None
    new = sum(node not in there for node in memory)
    return (
        f"libvirt's host has {size_text(available)} of memory available, and the {new} new machines need "
        f"{size_text(needed)}"
    )


def _available(said: str) -> int:
    """Return the bytes of memory that machines may get, out of lines such as ``free   :   12182500 KiB``."""
    values = dict(line.replace("KiB", "").split(":") for line in said.splitlines() if ":" in line)
    return sum(int(value) for key, value in values.items() if key.strip() in _AVAILABLE) * 1024

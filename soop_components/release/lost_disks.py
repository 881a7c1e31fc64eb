"""Disks that no node has any more: a role was renamed or removed, or has fewer nodes."""

from __future__ import annotations

import os
from collections.abc import Iterable

from soop_components.errors import SoopError
from soop_components.machines import WITH_DATA
from soop_components.machines.kinds import kind_of


def lost_disks_error(names: Iterable[str], machines: str) -> SoopError:
    """Return what is said of such disks, by the names that their nodes had; ``machines`` is of which kind these are."""
    if kind_of(machines).disks_stay:
        return SoopError(
            f"no node has the data of {', '.join(names)} any more: they would be left behind on their hosts",
            "a role that was renamed finds its data under its old name only; to leave them behind: "
            f"soop deploy --with-data, or {WITH_DATA}=1",
        )
    return SoopError(
        f"no node has the disks of {', '.join(names)} any more: they would be deleted with their data",
        "a role that was renamed finds its data under its old name only; to keep disks of a role with fewer nodes: "
        f"`disks: {{ROLE: NUMBER}}` beside `nodes:`; to delete them: soop deploy --with-data, or {WITH_DATA}=1",
    )


def lost_disk_in_words(name: str, machines: str) -> str:
    """Say what becomes of one where somebody has said that it may go."""
    if kind_of(machines).disks_stay:
        return f"no node has the data of {name} any more: they are left behind on its host"
    return f"no node has the disk of {name} any more: it is deleted with its data"


def refuse_lost_disks(names: Iterable[str], machines: str) -> None:
    """Raise ``SoopError`` if there are any, unless somebody has said that they may go."""
    if (lost := list(names)) and not os.environ.get(WITH_DATA):
        raise lost_disks_error(lost, machines)

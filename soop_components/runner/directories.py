"""Folders of the plan, and those that had to be made on the way to something else."""

from __future__ import annotations

import os
import stat

from soop_components.runner.accounts import gid_of, uid_of
from soop_components.runner.files import access_drift
from soop_components.runner.host import Host
from soop_components.runner.ledger import DirectoryRecord
from soop_components.runner.plan import Component, Directory
from soop_components.runner.work import Work


def pending(work: Work, component: Component) -> dict[str, Directory]:
    """Return the folders that are not as they shall be, parents first."""
    return {
        path: component.directories[path] for path in sorted(component.directories) if _differs(work, component, path)
    }


def _differs(work: Work, component: Component, path: str) -> bool:
    wanted = component.directories[path]
    return bool(drift(work.host, path, DirectoryRecord(False, wanted.mode, wanted.owner, wanted.group)))


def carry_out(work: Work, component: Component) -> None:
    """Make folders and give them mode and owner."""
    todo = pending(work, component)
    for path, wanted in component.directories.items():
        known = work.ledger.directories.get(path, DirectoryRecord(created=work.host.places.look(path) is None))
        work.ledger.directories[path] = known._replace(mode=wanted.mode, owner=wanted.owner, group=wanted.group)
    if not todo:
        return
    work.unsettle()
    for path, wanted in todo.items():
        owner = uid_of(wanted.owner), gid_of(wanted.group)
        work.host.places.folder(path, int(wanted.mode, 8), *owner, work.folder_made)
        work.changed(f"directory {path}")


def drift(host: Host, path: str, record: DirectoryRecord) -> list[str]:
    """Say how a folder differs from how we left it."""
    if record.mode is None:
        return []
    found = host.places.look(path)
    if found is None:
        return [f"directory {path}: missing"]
    if not stat.S_ISDIR(found.st_mode):
        return [f"directory {path}: is not a folder"]
    return [f"directory {path}: {text}" for text in access_drift(found, record.mode, record.owner, record.group)]


def remove_stale(work: Work) -> None:
    """Remove folders that we made and nobody needs any more, if they are empty; forget the others."""
    wanted = {path for component in work.document.components for path in component.directories}
    needed = _above(wanted | work.ledger.paths)
    for path in sorted(set(work.ledger.directories) - wanted, key=len, reverse=True):
        record = work.ledger.directories[path]
        if path in needed:
            work.ledger.directories[path] = record._replace(mode=None)
            continue
        if record.created and work.host.places.remove_folder(path):
            work.changed(f"directory {path} removed")
        del work.ledger.directories[path]


def _above(paths: set[str]) -> set[str]:
    found: set[str] = set()
    for path in paths:
        while (path := os.path.dirname(path)) != "/" and path not in found:
            found.add(path)
    return found

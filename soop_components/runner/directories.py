"""Folders of the plan, and those that had to be made on the way to something else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from soop_components.runner.accounts import gid_of, uid_of
from soop_components.runner.document import Document
from soop_components.runner.files import access_details
from soop_components.runner.host import Host
from soop_components.runner.ledger import DirectoryRecord, Ledger
from soop_components.runner.managed import Managed
from soop_components.runner.plan import Component
from soop_components.runner.work import Work


class Directories(Managed):
    """Folders with mode and owner; what lies in them is left alone."""

    step = "directories"
    kind = "directory"
    action = "configure"

    def wanted(self, component: Component) -> Mapping[str, DirectoryRecord]:
        found = sorted(component.directories.items())  # parents first
        return {path: DirectoryRecord(False, *wanted) for path, wanted in found}

    def prepare(self, work: Work) -> None:
        """Restore mode and owner where the document gives none any more, unless somebody else has changed them."""
        wanted = named_folders(work.document)
        needed = needed_folders(work.document)
        for path, record in work.ledger.directories.items():
            before = record.mode_before, record.uid_before, record.gid_before
            if path in wanted or record.mode is None or before[0] is None or self.details(work.host, path, record):
                continue
            if (path in needed or not record.created) and _access(work.host, path) != before:
                work.begin_change([path])
                work.host.places.folder(path, before[0], *before[1:])
                work.changed("directory", path, "restore")
                work.ledger.directories[path] = record._replace(mode=None)

    def carry_out(self, work: Work, component: Component) -> None:
        todo = self.pending_in(work, component)
        for path, wanted in component.directories.items():
            known = work.ledger.directories.get(path) or _as_found(work.host, path)
            work.ledger.directories[path] = known._replace(mode=wanted.mode, owner=wanted.owner, group=wanted.group)
        if not todo:
            return
        work.begin_change(change.subject for change in todo)
        for change in todo:
            wanted = component.directories[change.subject]
            owner = uid_of(wanted.owner), gid_of(wanted.group)
            work.host.places.folder(change.subject, int(wanted.mode, 8), *owner, work.folder_made)
            work.changes.append(change)

    def remove_stale(self, work: Work) -> None:
        """Remove folders that we made and that nothing needs, if they are empty; forget the others."""
        wanted = named_folders(work.document)
        needed = above(wanted | work.ledger.paths - work.ledger.absent)
        for path in sorted(set(work.ledger.directories) - wanted, key=len, reverse=True):
            record = work.ledger.directories[path]
            if path in needed:
                work.ledger.directories[path] = record._replace(mode=None)
                continue
            if record.created and work.host.places.remove_folder(path):
                work.changed("directory", path, "remove")
            del work.ledger.directories[path]

    def records(self, ledger: Ledger) -> Mapping[str, DirectoryRecord]:
        return ledger.directories

    def details(self, host: Host, name: str, record: DirectoryRecord) -> list[str]:
        if record.mode is None:
            return []
        found = host.places.look(name)
        if found is None:
            return ["missing"]
        if not stat.S_ISDIR(found.st_mode):
            return ["is not a folder"]
        return access_details(found, record.mode, record.owner, record.group)


def _as_found(host: Host, path: str) -> DirectoryRecord:
    """Return the record of a folder before the plan gives it a mode."""
    access = _access(host, path)
    return DirectoryRecord.made() if access is None else DirectoryRecord(False, None, "root", "root", *access)


def _access(host: Host, path: str) -> tuple[int, int, int] | None:
    found = host.places.look(path)
    return None if found is None else (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def named_folders(document: Document) -> set[str]:
    """Return the folders that the document gives a mode."""
    return {path for component in document.components for path in component.directories}


def needed_folders(document: Document) -> set[str]:
    """Return these, and those in which the document puts something."""
    named = named_folders(document)
    absent = {path for component in document.components for path in component.absent}
    return named | above(named | document.paths - absent)


def above(paths: set[str]) -> set[str]:
    """Return the folders that paths lie in."""
    found: set[str] = set()
    for path in paths:
        while (path := os.path.dirname(path)) != "/" and path not in found:
            found.add(path)
    return found

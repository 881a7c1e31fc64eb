"""Folders of the plan, and those that had to be made on the way to something else."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

from soop_components.runner.accounts import gid_of, uid_of
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

    def carry_out(self, work: Work, component: Component) -> None:
        todo = self.pending_in(work, component)
        for path, wanted in component.directories.items():
            known = work.ledger.directories.get(path, DirectoryRecord(created=work.host.places.look(path) is None))
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
        wanted = {path for component in work.document.components for path in component.directories}
        needed = above(wanted | work.ledger.paths)
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


def above(paths: set[str]) -> set[str]:
    """Return the folders that paths lie in."""
    found: set[str] = set()
    for path in paths:
        while (path := os.path.dirname(path)) != "/" and path not in found:
            found.add(path)
    return found

"""What things at paths have in common: what they replace is kept once, and restored when they are stale."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable

from soop_components.runner.host import Host
from soop_components.runner.managed import Managed
from soop_components.runner.places import chunks
from soop_components.runner.protocol import Change, Kind
from soop_components.runner.work import Work


class ManagedPaths(Managed):
    """A kind of thing whose records are by path."""

    kind: Kind
    stale_first = True

    def pending(self, work: Work) -> list[Change]:
        return [*(Change(self.kind, path, "remove") for path in self._stale(work)), *super().pending(work)]

    def keep_what_is_replaced(self, work: Work, paths: Iterable[str]) -> None:
        """Keep copies of what somebody else has put at these paths."""
        for path in paths:
            if path not in work.ledger.paths:
                _keep(work.host, path)

    def remove_stale(self, work: Work) -> None:
        paths = self._stale(work)
        if not paths:
            return
        work.events.progress(f"removing {len(paths)} paths of the version before")
        work.begin_change(paths)
        for path in paths:
            if _restore(work.host, path):
                work.changed(self.kind, path, "restore")
            elif self.kind != "absent" and work.host.places.remove(path):
                work.changed(self.kind, path, "remove")
            work.ledger.disown(path)
        work.save()

    def _stale(self, work: Work) -> list[str]:
        return sorted(set(self.records(work.ledger)) - work.document.paths)


def _keep(host: Host, path: str) -> None:
    """Copy what is at a path, unless nothing is there or a copy exists; a folder cannot be replaced."""
    found = host.places.look(path)
    copy = host.kept("replaced") + path
    if found is None or os.path.lexists(copy):
        return
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        raise OSError(f"{path} is in the way and is neither a file nor a link; move it away by hand")
    os.makedirs(os.path.dirname(copy), 0o700, exist_ok=True)
    temporary = f"{copy}.new"
    if stat.S_ISLNK(found.st_mode):
        os.symlink(host.places.target(path), copy)
        return
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        with host.places.open(path) as there:
            file.writelines(chunks(there))
        if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(file.fileno(), found.st_uid, found.st_gid)
        os.fchmod(file.fileno(), stat.S_IMODE(found.st_mode))
    os.rename(temporary, copy)


def _restore(host: Host, path: str) -> bool:
    """Move the copy back to its place; return whether there was one."""
    copy = host.kept("replaced") + path
    try:
        found = os.lstat(copy)
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISLNK(found.st_mode):
        host.places.link(path, os.readlink(copy))
    else:
        with open(copy, "rb") as file:
            host.places.write(path, chunks(file), stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)
    os.unlink(copy)
    return True

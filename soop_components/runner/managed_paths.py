"""What things at paths have in common: what they replace is kept once, and restored when they are stale."""

from __future__ import annotations

from collections.abc import Iterable

from soop_components.runner import replaced
from soop_components.runner.managed import Managed
from soop_components.runner.vocabulary import Change
from soop_components.runner.work import Work


class ManagedPaths(Managed):
    """A kind of thing whose records are by path."""

    stale_first = True

    def pending(self, work: Work) -> list[Change]:
        return [*(Change(self.kind, path, "remove") for path in self._stale(work)), *super().pending(work)]

    def keep_what_is_replaced(self, work: Work, paths: Iterable[str]) -> None:
        """Keep copies of what somebody else has put at these paths."""
        replaced.keep(work.host, paths, work.ledger.paths)

    def remove_stale(self, work: Work) -> None:
        paths = self._stale(work)
        if not paths:
            return
        work.events.progress(f"removing {len(paths)} paths of the version before")
        work.begin_change(paths)
        diverted = replaced.diversions(work.host)
        theirs = replaced.owned_by_packages(work.host, paths)  # what was right already, and was taken over
        for path in paths:
            if replaced.restore(work.host, path, diverted):
                work.changed(self.kind, path, "restore")
            elif self.kind != "absent" and path not in theirs and work.host.places.remove(path):
                work.changed(self.kind, path, "remove")
            work.ledger.disown(path)
        work.save()

    def _stale(self, work: Work) -> list[str]:
        return sorted(set(self.records(work.ledger)) - work.document.paths)

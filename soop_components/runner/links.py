"""Symbolic links, and paths at which nothing may be."""

from __future__ import annotations

import stat
from collections.abc import Mapping

from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger
from soop_components.runner.managed_paths import ManagedPaths
from soop_components.runner.plan import Component
from soop_components.runner.protocol import Change, Drift
from soop_components.runner.work import Work


class Links(ManagedPaths):
    """Symbolic links; a record is a link's target."""

    step = "links"
    kind = "link"

    def pending_in(self, work: Work, component: Component) -> list[Change]:
        return [
            Change("link", path, "write")
            for path, link in component.links.items()
            if self.drift_of(work.host, path, link.target)
        ]

    def carry_out(self, work: Work, component: Component) -> None:
        todo = self.pending_in(work, component)
        self.keep_what_is_replaced(work, (change.subject for change in todo))
        for path, link in component.links.items():
            work.ledger.disown(path)
            work.ledger.links[path] = link.target
        if todo:
            work.begin_change(change.subject for change in todo)
        for change in todo:
            work.host.places.link(change.subject, component.links[change.subject].target, work.folder_made)
            work.changes.append(change)

    def records(self, ledger: Ledger) -> Mapping[str, str]:
        return ledger.links

    def drift_of(self, host: Host, path: str, target: str) -> list[Drift]:
        found = host.places.look(path)
        if found is None:
            return [Drift("link", path, "missing")]
        if not stat.S_ISLNK(found.st_mode):
            return [Drift("link", path, "is not a link")]
        now = host.places.target(path)
        return [] if now == target else [Drift("link", path, f"points to {now}, not {target}")]


class Absent(ManagedPaths):
    """Paths at which nothing may be."""

    step = "links"
    kind = "absent"

    def pending_in(self, work: Work, component: Component) -> list[Change]:
        return [Change("absent", path, "remove") for path in component.absent if self.drift_of(work.host, path, None)]

    def carry_out(self, work: Work, component: Component) -> None:
        todo = self.pending_in(work, component)
        self.keep_what_is_replaced(work, (change.subject for change in todo))
        for path in component.absent:
            work.ledger.disown(path)
            work.ledger.absent.add(path)
        if todo:
            work.begin_change(change.subject for change in todo)
        for change in todo:
            work.host.places.remove(change.subject)
            work.changes.append(change)

    def records(self, ledger: Ledger) -> Mapping[str, None]:
        return dict.fromkeys(sorted(ledger.absent))

    def drift_of(self, host: Host, path: str, record: None) -> list[Drift]:
        return [] if host.places.look(path) is None else [Drift("absent", path, "exists")]

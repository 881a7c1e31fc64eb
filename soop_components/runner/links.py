"""Symbolic links, and paths at which nothing may be."""

from __future__ import annotations

import stat
from collections.abc import Mapping

from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger
from soop_components.runner.managed_paths import ManagedPaths
from soop_components.runner.plan import Component
from soop_components.runner.work import Work


class Links(ManagedPaths):
    """Symbolic links; a record is a link's target."""

    step = "links"
    kind = "link"
    action = "write"

    def wanted(self, component: Component) -> Mapping[str, str]:
        return {path: link.target for path, link in component.links.items()}

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

    def details(self, host: Host, name: str, record: str) -> list[str]:
        found = host.places.look(name)
        if found is None:
            return ["missing"]
        if not stat.S_ISLNK(found.st_mode):
            return ["is not a link"]
        now = host.places.target(name)
        return [] if now == record else [f"points to {now}, not {record}"]


class Absent(ManagedPaths):
    """Paths at which nothing may be."""

    step = "links"
    kind = "absent"
    action = "remove"

    def wanted(self, component: Component) -> Mapping[str, None]:
        return dict.fromkeys(component.absent)

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

    def details(self, host: Host, name: str, record: None) -> list[str]:
        return [] if host.places.look(name) is None else ["exists"]

"""The interface of a kind of thing that the runner manages; ``kinds`` lists all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from soop_components.runner.failure import describe
from soop_components.runner.host import Host
from soop_components.runner.ledger import Ledger
from soop_components.runner.plan import Component
from soop_components.runner.vocabulary import Action, Change, Drift, Kind, Step
from soop_components.runner.work import Work


class Managed:
    """A kind of thing; a method that a kind does not need does nothing, and each can be repeated after a failure."""

    step: Step
    """Names the step in failures."""
    kind: Kind
    action: Action
    """How changes of these things are named."""
    stale_first = False
    """Whether stale things are removed before anything is configured, or once everything is configured and healthy."""

    def check(self, work: Work) -> None:
        """Fail, before the first change, for a reason that would otherwise show later."""

    def pending(self, work: Work) -> Iterable[Change]:
        """Return what applying the document would change."""
        return [change for component in work.document.components for change in self.pending_in(work, component)]

    def pending_in(self, work: Work, component: Component) -> Sequence[Change]:
        """Return what ``carry_out`` would change."""
        differing = (name for name, each in self.wanted(component).items() if self.details(work.host, name, each))
        return [Change(self.kind, name, self.action) for name in differing]

    def wanted(self, component: Component) -> Mapping[str, Any]:
        """Return the records that things of a component shall have, as far as ``details`` looks at them."""
        return {}

    def prepare(self, work: Work) -> None:
        """Carry out what all components need, before the first of them."""

    def carry_out(self, work: Work, component: Component) -> None:
        """Make the things of a component what the document says."""

    def remove_stale(self, work: Work) -> None:
        """Remove or forget the things of earlier documents that this one does not have."""

    def drift(self, host: Host, ledger: Ledger) -> Iterable[Drift]:
        """Return how things differ from how they were left, and which of them cannot be looked at."""
        for name, record in self.records(ledger).items():
            try:
                yield from (Drift(self.kind, name, detail) for detail in self.details(host, name, record))
            except OSError as error:
                yield Drift("error", name, describe(error))

    def records(self, ledger: Ledger) -> Mapping[str, Any]:
        """Return the things that were left on the node, by name."""
        return {}

    def details(self, host: Host, name: str, record: Any) -> Sequence[str]:
        """Return how one thing differs from its record, in words."""
        return ()

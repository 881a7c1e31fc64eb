"""What a rollout that failed says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from soop_components.errors import SoopError
from soop_components.release.cancellation import Cancelled
from soop_components.release.wording import failure_in_words
from soop_components.runner.protocol import Failed


class ReleaseFailed(SoopError):
    """The service was not accepted; ``rolled_back``: every node that was touched runs the last good version again.

    ``held``: none was rolled back, since that version does not run on what there is now.
    """

    def __init__(self, message: str, *, rolled_back: bool = False, held: bool = False) -> None:
        super().__init__(message)
        self.rolled_back = rolled_back
        self.held = held


class MustNotChange(SoopError):
    """A group of services is formed, but would change a node of a service that runs already."""

    def __init__(self, node: str, accepted: object) -> None:
        super().__init__(
            f"{node}: runs {accepted}, which a new group of services would change or repair; nothing was changed",
            "first run `pulumi up` without the group in soop:together, or with the versions that run",
        )


class RolledBack(NamedTuple):
    """What became of the nodes of a service when its rollout was rolled back."""

    nodes: Sequence[str]
    """Those that run their last good version again."""
    failures: Mapping[str, BaseException]
    """Why others could not be rolled back."""
    own_failures: Mapping[str, Failed]
    """Why some could not roll themselves back before."""
    failed_hooks: Iterable[tuple[str, BaseException]]
    held: str | None = None
    """Why none was rolled back at all."""
    made_anew: Sequence[str] = ()
    """Those of which the machine is new and stays, so that no version was accepted there to which it could go back."""


def verdict(references: Sequence[str], error: SoopError, outcomes: Iterable[RolledBack]) -> str:
    """Say why versions were not accepted, and what became of each node."""
    reason = "the deployment was interrupted; run it again to go on" if isinstance(error, Cancelled) else str(error)
    were = "was" if len(references) == 1 else "were"
    return "\n".join([f"{' and '.join(references)} {were} not accepted: {reason}", *_outcome(list(outcomes))])


def _outcome(services: Sequence[RolledBack]) -> Iterator[str]:
    if rolled_back := [name for service in services for name in service.nodes]:
        yield f"  rolled back to the last good version: {', '.join(rolled_back)}"
    yield from (f"  not rolled back: {service.held}" for service in services if service.held)
    if made_anew := [name for service in services for name in service.made_anew]:
        yield (
            f"  not rolled back, since no version was accepted on their new machines: {', '.join(made_anew)}; "
            "they stay as they are, and the next update configures them"
        )
    for service in services:
        for name, failure in service.failures.items():
            yield f"  could not be rolled back: {_said(name, failure)}"
            if name in service.own_failures:
                yield f"  its own rollback had failed before: {failure_in_words(service.own_failures[name])}"
    for name, failure in (each for service in services for each in service.failed_hooks):
        yield f"  failed during the rollback: {_said(name, failure)}"
    if any(service.failures for service in services):
        yield "  the next deployment looks at these nodes and repairs them"


def _said(name: str, failure: BaseException) -> str:
    return str(failure) if isinstance(failure, SoopError) else f"{name}: {failure!r}"

"""What a rollout that failed says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from soop_components.errors import SoopError
from soop_components.release.cancellation import Cancelled
from soop_components.release.node import NodeFailure
from soop_components.release.wording import failure_in_words


class ReleaseFailed(SoopError):
    """The service was not accepted."""


def verdict(
    reference: str,
    error: SoopError,
    rolled_back: Sequence[str],
    failures: Mapping[str, BaseException],
    failed_hooks: Mapping[str, BaseException],
) -> str:
    """Say why a version was not accepted, and what became of each node."""
    reason = "the deployment was interrupted; run it again to go on" if isinstance(error, Cancelled) else str(error)
    lines = [f"{reference} was not accepted: {reason}"]
    if rolled_back:
        lines.append(f"  rolled back to the last good version: {', '.join(rolled_back)}")
    for name, failure in failures.items():
        said = failure if isinstance(failure, SoopError) else f"{name}: {failure!r}"
        lines.append(f"  could not be rolled back: {said}")
        if isinstance(error, NodeFailure) and error.node == name and error.failed.rollback_failure:
            lines.append(f"  its own rollback had failed before: {failure_in_words(error.failed.rollback_failure)}")
    lines += [f"  then failed: {failure}" for failure in failed_hooks.values()]
    if failures:
        lines.append("  the next deployment looks at these nodes and repairs them")
    return "\n".join(lines)

"""What a rollout that failed says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from soop_components.errors import SoopError
from soop_components.release.cancellation import Cancelled
from soop_components.release.wording import failure_in_words
from soop_components.runner.protocol import Failed


class ReleaseFailed(SoopError):
    """The service was not accepted."""


def verdict(
    reference: str,
    error: SoopError,
    rolled_back: Sequence[str],
    failures: Mapping[str, BaseException],
    own_failures: Mapping[str, Failed],
    failed_hooks: Iterable[tuple[str, BaseException]],
) -> str:
    """Say why a version was not accepted, and what became of each node.

    ``failures`` is why nodes could not be rolled back, ``own_failures`` why some could not roll themselves back before.
    """
    reason = "the deployment was interrupted; run it again to go on" if isinstance(error, Cancelled) else str(error)
    lines = [f"{reference} was not accepted: {reason}"]
    if rolled_back:
        lines.append(f"  rolled back to the last good version: {', '.join(rolled_back)}")
    for name, failure in failures.items():
        lines.append(f"  could not be rolled back: {_said(name, failure)}")
        if name in own_failures:
            lines.append(f"  its own rollback had failed before: {failure_in_words(own_failures[name])}")
    lines += [f"  failed during the rollback: {_said(name, failure)}" for name, failure in failed_hooks]
    if failures:
        lines.append("  the next deployment looks at these nodes and repairs them")
    return "\n".join(lines)


def _said(name: str, failure: BaseException) -> str:
    return str(failure) if isinstance(failure, SoopError) else f"{name}: {failure!r}"

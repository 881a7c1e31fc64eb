"""What runners report, in words."""

from __future__ import annotations

from collections.abc import Iterable

from soop_components.runner.events import Events
from soop_components.runner.protocol import Failed, NodeStatus, ScriptEnded
from soop_components.runner.vocabulary import Change, Drift, HealthProblem

_NAMED = 3
"""Changes that a message names."""
SHOWN_LINES = 60
"""Lines of output in a message: of a command, or of a journal and two log files."""
_SHOWN = 200
"""Characters of what a health check said."""


def drift_in_words(drift: Drift) -> str:
    """Say how a node differs from how it was left."""
    match drift.kind:
        case "apply":
            return f"{drift.subject} was begun and not finished"
        case "absent":
            return f"{drift.subject}: is there and must not be"
        case "error":
            return drift.detail
    return f"{drift.kind} {drift.subject}: {drift.detail}"


def own_rollback_in_words(found: NodeStatus) -> str:
    """Say that a node has rolled itself back, or will; nothing of one that has accepted what it runs."""
    if found.rolls_back_within:
        return f"rolls back by itself unless a deployment goes on within {found.rolls_back_within} s"
    done = found.own_rollback
    if done is None:
        return ""
    late = f"the deployer did not accept {done.reference} in time: no sign of it for {done.within} s"
    if done.failure is not None:
        return f"could not roll back by itself at {done.at} ({done.failure}); {late}"
    return f"rolled back by itself at {done.at}; {late}"


def changes_in_words(changes: Iterable[Change]) -> str:
    """Name some of the changes on a node, those of units first, and count the others."""
    sorted_changes = sorted(changes, key=lambda change: change.kind != "unit")
    named = [f"{change.action} {change.kind} {change.subject}" for change in sorted_changes]
    return ", ".join(named[:_NAMED]) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")


def failure_in_words(failed: Failed) -> str:
    """Say what failed where, with the end of what the command said."""
    where = [
        f"{what} {value}"
        for what, value in (
            ("step", failed.step),
            ("component", failed.component),
            ("command", f"`{failed.command}`" if failed.command else None),
            ("exit code", failed.exit_code),
        )
        if value is not None
    ]
    lines = [failed.message + (f" ({', '.join(where)})" if where else "")]
    lines += [f"  | {line}" for line in (failed.stderr_tail or "").splitlines()[-SHOWN_LINES:]]
    return "\n".join(lines)


def health_in_words(problem: HealthProblem, secrets: Iterable[str]) -> str:
    """Say what a health check said, shortly and without secrets, which a node does not know when it is looked at."""
    said = " ".join(without_secrets(str(problem.got), secrets).split())
    short = said if len(said) <= _SHOWN else said[: _SHOWN - 1] + "…"
    return f"component {problem.component} is not healthy: {problem.check}: {short}"


def without_secrets(text: str, secrets: Iterable[str]) -> str:
    """Return a text that shows none of these secrets, neither encoded nor laid out differently."""
    events = Events(lambda _: None)
    events.hide(shape for secret in secrets for shape in (secret, " ".join(secret.split())))
    return str(events.masked(text))


def ended_in_words(program: str, ended: ScriptEnded) -> str:
    """Say how a program that should have succeeded ended, with the end of what it printed."""
    output = f"{ended.stdout_tail.strip()}\n{ended.stderr_tail.strip()}".strip()
    tail = "\n".join(f"  | {line}" for line in output.splitlines()[-20:])
    return f"{program} ended with {ended.exit_code}, expected 0\n{tail}".rstrip()

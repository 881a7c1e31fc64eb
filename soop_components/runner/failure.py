"""A step that failed, as an exception."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from soop_components.runner.commands import Completed
from soop_components.runner.protocol import Failed
from soop_components.runner.vocabulary import Step

TAIL_LINES = 20
OUT_OF_MEMORY = "the kernel killed a process meanwhile since there was no memory left: give the node more, or use less"
_TAIL_CHARACTERS = 4000


class Failure(Exception):
    """Ends a verb; ``failed`` is its answer."""

    def __init__(
        self,
        step: Step,
        message: str,
        *,
        component: str | None = None,
        command: str | None = None,
        exit_code: int | None = None,
        stderr_tail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.failed = Failed(step, message, component, command, exit_code, stderr_tail)

    @classmethod
    def of_command(cls, step: Step, message: str, done: Completed, said: str | None = None) -> Failure:
        """Return the exception for a command that failed; ``said`` is its standard error unless given."""
        said = tail(done.stderr) if said is None else said
        if done.out_of_memory:
            message += f"; {OUT_OF_MEMORY}"
        elif done.exit_code == -9 and not done.timed_out:
            message += "; somebody killed it (SIGKILL)"
        return cls(step, message, command=done.command, exit_code=done.exit_code, stderr_tail=said)


@contextmanager
def step(name: Step, component: str | None = None) -> Iterator[None]:
    """Add step and component to an error; errors of the operating system name their path."""
    try:
        yield
    except Failure as failure:
        failure.failed = failure.failed._replace(component=failure.failed.component or component)
        raise
    except OSError as error:
        raise Failure(name, describe(error), component=component) from error


def mistake(error: Exception) -> Failed:
    """Return the failure for an error that only a mistake in the runner can cause, and the line that has it."""
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    what = f"the runner has a mistake: {type(error).__name__}: {error}"
    return Failed("runner", f"{what} ({os.path.basename(where.filename)}, line {where.lineno})")


def describe(error: OSError) -> str:
    """Return the path and the reason, with a hint if there is one."""
    reason = error.strerror or str(error)
    path = error.filename2 or error.filename
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    text = f"{path}: {reason}" if isinstance(path, str) else reason
    hints = {errno.ENOSPC: " (the node's disk is full)", errno.EROFS: " (the node's disk is read-only)"}
    return text + hints.get(error.errno or 0, "")


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """Return the last lines of an output, within reason."""
    return "\n".join(text.rstrip().splitlines()[-lines:])[-_TAIL_CHARACTERS:]

"""A step that failed: what it was, what was run, what came back."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

TAIL_LINES = 20
_TAIL_CHARACTERS = 4000


class Failure(Exception):
    """Ends a verb; its parts become the failure event."""

    def __init__(
        self,
        step: str,
        message: str,
        *,
        component: str | None = None,
        command: str | None = None,
        exit_code: int | None = None,
        stderr_tail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.step = step
        self.message = message
        self.component = component
        self.command = command
        self.exit_code = exit_code
        self.stderr_tail = stderr_tail

    def event(self, returned: bool = False) -> dict[str, object]:
        """Return the event that reports it."""
        return {
            "event": "failure",
            "step": self.step,
            "component": self.component,
            "command": self.command,
            "exit_code": self.exit_code,
            "stderr_tail": self.stderr_tail,
            "message": self.message,
            "returned": returned,
        }


@contextmanager
def step(name: str, component: str | None = None) -> Iterator[None]:
    """Say which step and component an error belongs to; errors of the operating system name their path."""
    try:
        yield
    except Failure as failure:
        failure.component = failure.component or component
        raise
    except OSError as error:
        raise Failure(name, describe(error), component=component) from error


def describe(error: OSError) -> str:
    """Return the path and what was wrong with it, and what to do where that is known."""
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

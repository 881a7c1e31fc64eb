"""The one error of the root helper, sent to the caller as JSON."""

from __future__ import annotations


class Refused(Exception):
    """A request that is not carried out, or could not be: one sentence, and a hint at what to do."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

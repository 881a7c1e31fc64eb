"""The one error that people are meant to read."""

from __future__ import annotations

from collections.abc import Iterable


class SoopError(Exception):
    """A mistake or a failure told in one sentence, with a hint at what to do about it.

    Caught only at the edges (command line, ``__main__.py``, provider), which print it without a traceback.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InvalidInput(SoopError):
    """Every mistake found in what was read, one line each: ``file: key.path: what was expected``."""

    def __init__(self, problems: Iterable[str], hint: str | None = None) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems), hint)

"""The one error that people are meant to read."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 300
"""Mistakes that are shown at once."""
_LONGEST = 1000
"""Characters of one mistake."""


def printable(text: str) -> str:
    """Return text that does nothing to a terminal, whichever file or program it comes from; lines stay lines."""
    if text.isprintable():
        return text
    lines = text.replace("\r\n", "\n")
    return "".join(
        character if character.isprintable() or character in "\n\t" else character.encode("unicode_escape").decode()
        for character in lines
    )


def shortened(text: str, most: int) -> str:
    """Return so many characters of a text at most, and an ellipsis where it is cut off."""
    return text if len(text) <= most else f"{text[:most]}…"


class SoopError(Exception):
    """A mistake or a failure in one sentence, with a hint at what to do about it.

    Caught only at the edges (command line, ``__main__.py``, provider), which print it without a traceback.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        self.message = printable(message)
        self.hint = printable(hint) if hint else hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InvalidInput(SoopError):
    """Every mistake found in what was read, one line each: ``file: key.path: what was expected``."""

    def __init__(self, problems: Iterable[str], hint: str | None = None) -> None:
        found = list(problems)
        shown = [printable(shortened(each, _LONGEST)) for each in found[:_MOST]]
        self.problems = (*shown, *([f"{len(found) - _MOST} more mistakes"] if len(found) > _MOST else []))
        super().__init__("\n".join(self.problems), hint)

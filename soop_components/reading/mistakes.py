"""Gathers the mistakes of several inputs, so that people see all of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from soop_components.errors import InvalidInput, SoopError

Anything = TypeVar("Anything")


class Mistakes:
    """Mistakes noted so far, a line each, and what can be done about them."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._hints: list[str] = []

    def note(self, error: SoopError, place: str = "") -> None:
        """Note what an error says and advises; each of its mistakes is put at ``place``."""
        texts = error.problems if isinstance(error, InvalidInput) else (error.message,)
        self.problems += [f"{place}: {text}" if place else text for text in texts]
        self.advise(error.hint)

    def advise(self, hint: str | None) -> None:
        """Note what can be done about a mistake."""
        if hint:
            self._hints.append(hint)

    def attempt(self, read: Callable[[], Anything], place: str = "") -> Anything | None:
        """Return what ``read`` returns, or None after noting the mistakes that it found, at ``place``."""
        try:
            return read()
        except SoopError as error:
            self.note(error, place)
            return None

    def require(self, value: Anything | None) -> Anything:
        """Return a value; if there is none, raise the mistakes that are the reason."""
        if value is None:
            self.raise_if_any()
            raise ValueError("there is no value, and no mistake that is the reason")
        return value

    def finish(self, value: Anything | None) -> Anything:
        """Return a value if no mistake was noted; else raise them all."""
        self.raise_if_any()
        return self.require(value)

    def raise_if_any(self) -> None:
        """Raise one ``InvalidInput`` with all mistakes noted so far."""
        if self.problems:
            raise InvalidInput(dict.fromkeys(self.problems), "\n  ".join(dict.fromkeys(self._hints)) or None)

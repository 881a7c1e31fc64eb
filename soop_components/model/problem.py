"""A mistake in a definition: where it is, what it says, and of which kind it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

from soop_components.model.names import did_you_mean, listed, shown

Keys = tuple[str | int, ...]
"""The way to a value from the top of a document: keys of mappings, numbers of list items."""


class ProblemKind(Enum):
    """What a problem depends on; whoever has read a document only in part decides by it what is certain."""

    WRONG_VALUE = auto()
    TOO_FEW = auto()
    """A list or mapping has too few entries."""
    UNKNOWN_NAME = auto()
    """A value names a thing that is not there."""
    UNUSED = auto()
    """No other part of the document names this thing."""


@dataclass(frozen=True)
class Problem:
    """One mistake in what was read."""

    keys: Keys
    text: str
    kind: ProblemKind = ProblemKind.WRONG_VALUE
    name: str = ""
    """The name that is not there, for ``ProblemKind.UNKNOWN_NAME``."""

    @classmethod
    def unknown(cls, keys: Keys, what: str, name: str, known: Iterable[str]) -> Problem:
        """Return the problem that a value names a thing that is not there."""
        return cls(keys, unknown(what, name, known), ProblemKind.UNKNOWN_NAME, name)

    def line(self, label: str) -> str:
        """Return the problem as a line of a message about the file ``label``."""
        path = path_text(self.keys)
        return f"{label}: {path}: {self.text}" if path else f"{label}: {self.text}"


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that nothing of this sort has the name, and which one may have been meant."""
    names = list(known)
    instead = did_you_mean(name, names) or (f"there is {listed(names)}" if names else "")
    return f"no {what} {shown(name)}" + (f"; {instead}" if instead else "")


def path_text(keys: Keys) -> str:
    """Write a path of keys: ``nodes.web.components[0]``."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{shown(key)}" if text else shown(key)
    return text


def got(value: object) -> str:
    """Say what stood there, shortly."""
    if value is None:
        return "(got nothing)"
    if isinstance(value, bool):
        return f"(got {str(value).lower()})"
    if isinstance(value, int | float):
        return f"(got {value})"
    if isinstance(value, str):
        plain = str.__str__(value)  # what stands for a secret can be shown, although nothing else looks inside
        short = plain if len(plain) <= 60 else plain[:57] + "…"
        return f'(got "{short}")' if short.isprintable() else f"(got {short!r})"
    return "(got a mapping)" if isinstance(value, dict) else "(got a list)"

"""How names and texts from elsewhere stand in a line of a preview."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from soop_components.errors import printable
from soop_components.model.names import NodeName

_T = TypeVar("_T")
MOST_NAMED = 12
"""Names in one line; of more, the others are counted."""


def listed(found: Sequence[str]) -> str:
    """Name the first of them, and count the others."""
    return listed_as(found, str)


def listed_as(things: Sequence[_T], words: Callable[[_T], str]) -> str:
    """Say the first of them in words, and count the others."""
    more = f" and {len(things) - MOST_NAMED} more" if len(things) > MOST_NAMED else ""
    return ", ".join(map(words, things[:MOST_NAMED])) + more


def short(node: str) -> str:
    """Return what distinguishes a node from others of its service."""
    return NodeName.parse(node).short


def one_line(text: str) -> str:
    """Return the first line of a text, harmless to a terminal."""
    return printable(text.partition("\n")[0])

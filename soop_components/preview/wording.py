"""How names and texts from elsewhere stand in a line of a preview."""

from __future__ import annotations

from collections.abc import Sequence

from soop_components.errors import printable
from soop_components.model.names import NodeName

MOST_NAMED = 12
"""Names in one line; of more, the others are counted."""


def listed(found: Sequence[str]) -> str:
    """Name the first of them, and count the others."""
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


def short(node: str) -> str:
    """Return what distinguishes a node from others of its service."""
    return NodeName.parse(node).short


def one_line(text: str) -> str:
    """Return the first line of a text, harmless to a terminal."""
    return printable(text.partition("\n")[0])

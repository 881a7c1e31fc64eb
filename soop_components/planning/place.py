"""Where in a service definition something is, as messages name it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from soop_components.model.problem import Keys, path_text


class Place(NamedTuple):
    """A value of a service definition, or the part of a building block that it is expanded in.

    Written ``access-service-3.2.3: components.web (block nginx_site): files``; of a file with its line.
    """

    label: str
    """The artifact, the file, or the block."""
    keys: Keys = ()
    block: str | None = None
    """The building block, or one of its files."""
    block_keys: Keys = ()
    """The part of the block."""
    lines: Mapping[Keys, int] = {}
    """The lines of a file, by keys."""

    def at(self, *keys: str | int) -> Place:
        """Return what lies below."""
        if self.block is None:
            return Place(self.label, (*self.keys, *keys), lines=self.lines)
        return Place(self.label, self.keys, self.block, (*self.block_keys, *keys), self.lines)

    def in_block(self, block: str) -> Place:
        """Return the block that a component is made from, or a file of it."""
        return Place(self.label, self.keys, block, lines=self.lines)

    def __str__(self) -> str:
        known = (self.lines.get(self.keys[:length]) for length in range(len(self.keys), 0, -1))
        line = next((f"line {found}" for found in known if found), "")
        block = f" (block {self.block})" if self.block else ""
        parts = [self.label, line, path_text(self.keys) + block, path_text(self.block_keys)]
        return ": ".join(part for part in parts if part)

"""How Debian packages exclude each other: deb-control(5), Conflicts, Breaks and Provides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import NamedTuple

_CLAUSE = re.compile(r"([a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(<<|<=|=|>=|>>)\s*([^)\s]+)\s*\))?")

Compare = Callable[[str, str, str], bool]
"""Takes a version, ``<<``, ``<=``, ``=``, ``>=`` or ``>>``, and another version."""


class Control(NamedTuple):
    """What a package says of itself; ``fields`` as they are written."""

    name: str
    version: str
    fields: Mapping[str, str]

    def names(self, field: str) -> set[str]:
        """Return the names in a field, without their versions."""
        return {name for name, _, _ in _clauses(self.fields.get(field, ""))}


def excluded_by(one: Control, other: Control, compare: Compare) -> str | None:
    """Return how one package excludes the other: ``conflicts with`` or ``breaks``."""
    for field, words in (("Conflicts", "conflicts with"), ("Breaks", "breaks")):
        for name, operator, version in _clauses(one.fields.get(field, "")):
            if any(not operator or (there and compare(there, operator, version)) for there in _versions(other, name)):
                return words
    return None


def reason(new: Control, there: Control, compare: Compare) -> str | None:
    """Say why a new package and one that is there cannot be together."""
    if how := excluded_by(new, there, compare):
        return f"{new.name} {new.version} {how} {there.name} {there.version}"
    if how := excluded_by(there, new, compare):
        return f"{there.name} {there.version} {how} {new.name} {new.version}"
    return None


def _versions(package: Control, name: str) -> Iterator[str]:
    """Yield the versions in which a package is, or provides, what has this name; empty for one without a version."""
    if package.name == name:
        yield package.version
    for provided, _, version in _clauses(package.fields.get("Provides", "")):
        if provided == name:
            yield version


@cache
def _clauses(field: str) -> tuple[tuple[str, str, str], ...]:
    found = (_CLAUSE.match(part.strip()) for part in re.split(r"[,|]", field))
    return tuple((clause[1], clause[2] or "", clause[3] or "") for clause in found if clause)

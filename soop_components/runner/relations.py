"""How Debian packages exclude and need each other: deb-control(5), Conflicts, Breaks, Depends and Provides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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


def reason(new: Control, there: Control, compare: Compare) -> str | None:
    """Say why a new package and one that is there cannot be together."""
    for one, other in ((new, there), (there, new)):
        for field, words in (("Conflicts", "conflicts with"), ("Breaks", "breaks")):
            if _excludes(one, other, field, compare):
                return f"{one.name} {one.version} {words} {other.name} {other.version}"
    return None


def bars(there: Control, new: Control, compare: Compare) -> bool:
    """Return whether dpkg unpacks a new package only where the other is not; what is broken may stay meanwhile."""
    return _excludes(new, there, "Conflicts", compare) or _excludes(there, new, "Conflicts", compare)


def unmet(new: Control, packages: Iterable[Control], compare: Compare) -> Iterator[str]:
    """Yield what a new package depends on and none of these packages is or provides, as it is written."""
    known = list(packages)
    for field in ("Pre-Depends", "Depends"):
        for group in filter(None, map(str.strip, new.fields.get(field, "").split(","))):
            if not any(_meets(each, clause, compare) for clause in _clauses(group) for each in known):
                yield group


def _meets(package: Control, clause: tuple[str, str, str], compare: Compare) -> bool:
    name, operator, wanted = clause
    return any(not operator or (found and compare(found, operator, wanted)) for found in _versions(package, name))


def _excludes(one: Control, other: Control, field: str, compare: Compare) -> bool:
    return any(
        not operator or (there and compare(there, operator, version))
        for name, operator, version in _clauses(one.fields.get(field, ""))
        for there in _versions(other, name)
    )


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

"""The order of things that wait for each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def in_order(waits: Mapping[str, Collection[str]]) -> list[str]:
    """Return the names so that each comes after those that it waits for; there is no circle among them."""
    return list(TopologicalSorter(waits).static_order())


def circle_in(waits: Mapping[str, Collection[str]]) -> list[str]:
    """Return a circle of names, each of which waits for the next and the last for the first; empty if there is none."""
    try:
        TopologicalSorter(waits).prepare()
    except CycleError as error:
        names: list[str] = error.args[1][:0:-1]
        start = names.index(min(names))
        return names[start:] + names[:start]
    return []


def merged(waits: Mapping[str, Collection[str]], groups: Iterable[Collection[str]]) -> dict[str, set[str]]:
    """Return what waits for what when the names of a group count as one, the first of them."""
    first = {name: min(group) for group in groups for name in group}
    result: dict[str, set[str]] = {}
    for name, others in waits.items():
        one = first.get(name, name)
        result.setdefault(one, set()).update({first.get(other, other) for other in others} - {one})
    return result

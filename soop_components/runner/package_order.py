"""The order in which dpkg is given new packages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from soop_components.runner.relations import Control


def runs(names: Collection[str], controls: Mapping[str, Control]) -> list[list[str]]:
    """Split packages into runs of dpkg: pre-dependencies, with what they depend on, go first."""
    needs = {name: controls[name].names("Pre-Depends") | controls[name].names("Depends") for name in names}
    first = {name for package in names for name in controls[package].names("Pre-Depends") if name in names}
    while more := {name for package in first for name in needs[package] if name in names} - first:
        first |= more
    if not first or len(first) == len(names):
        return [sorted(names)]
    return [*runs(first, controls), sorted(set(names) - first)]


def ordered(
    runs: Sequence[Collection[str]], barred_by: Mapping[str, Collection[str]]
) -> tuple[list[list[str]], set[str]]:
    """Return runs in which each package comes after those that bar it, and the packages that are removed before.

    One is removed where packages bar each other in a circle, or where a later run installs it again.
    """
    left = {name for names in runs for name in names}
    removed: set[str] = set()
    order: list[list[str]] = []
    for names in runs:
        waiting = sorted(names)
        order.append([])
        while waiting:
            barring = {name: left & set(barred_by.get(name, ())) - removed for name in waiting}
            name = next((name for name in waiting if not barring[name]), waiting[0])
            removed |= barring[name]
            waiting.remove(name)
            left.discard(name)
            order[-1].append(name)
    return order, removed

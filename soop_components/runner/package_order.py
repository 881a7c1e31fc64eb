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
        return [_after_needs(names, needs)]
    return [*runs(first, controls), _after_needs(set(names) - first, needs)]


def _after_needs(names: Collection[str], needs: Mapping[str, Collection[str]]) -> list[str]:
    """Return packages in an order in which each comes after those that it depends on, as far as there is one.

    apt unpacks them so, too, and Debian's scripts rely on it: one that runs before its package is unpacked may call a
    program whose own package works without Perl, and works with it, but not with half of Perl's packages unpacked.
    """
    order: dict[str, None] = {}
    begun: set[str] = set()

    def add(name: str) -> None:
        begun.add(name)
        for needed in sorted(needs[name]):
            if needed in names and needed not in begun:
                add(needed)
        order[name] = None

    for name in sorted(names):
        if name not in begun:
            add(name)
    return list(order)


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
        waiting = list(names)
        order.append([])
        while waiting:
            barring = {name: left & set(barred_by.get(name, ())) - removed for name in waiting}
            name = next((name for name in waiting if not barring[name]), waiting[0])
            removed |= barring[name]
            waiting.remove(name)
            left.discard(name)
            order[-1].append(name)
    return order, removed

"""What an apply has touched so far, on which the units and scripts of the plan may depend."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from soop_components.runner.places import Places

What = Literal["path", "below", "installed", "removed", "triggered", "new", "restart", "reload", "stop"]
"""``path`` is one of the plan; at or ``below`` a path packages or scripts have changed something; a package was
``installed``, in another version perhaps, or ``removed``, or dpkg informed it of a change of others (``triggered``); a
unit is ``new``, or is to ``restart``, ``reload`` or ``stop`` since a package asks for it or its files have changed."""


class Touched(NamedTuple):
    """A path, a package or a unit, and what happened to it."""

    what: What
    name: str


def paths_of(touched: Iterable[Touched]) -> Iterator[str]:
    """Yield the paths at or below which something has changed."""
    return (each.name for each in touched if each.what in ("path", "below"))


def covered(places: Places, roots: Iterable[str], paths: Iterable[str]) -> set[str]:
    """Return those of the paths that are one of the roots or lie below one, by name or where links on the way lead."""
    names = {path: os.path.split(path) for path in paths}
    if not names:
        return set()
    wanted = {name.rstrip("/") for root in roots for name in (root, places.resolved(root))}
    folders = {folder: places.resolved(folder).rstrip("/") for folder in {folder for folder, _ in names.values()}}
    resolved = {path: f"{folders[folder]}/{name}" for path, (folder, name) in names.items()}
    return {path for path in names if any(part in wanted for part in (*_upwards(path), *_upwards(resolved[path])))}


def _upwards(path: str) -> Iterator[str]:
    yield path
    while path:
        path = path.rpartition("/")[0]
        yield path

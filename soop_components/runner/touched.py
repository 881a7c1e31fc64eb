"""What an apply has touched so far, on which the units and scripts of the plan may depend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

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


def covers(roots: Iterable[str], changed: Iterable[str]) -> bool:
    """Return whether a changed path is one of the paths or lies below one."""
    wanted = {root.rstrip("/") for root in roots}
    return any(part in wanted for path in changed for part in _upwards(path))


def _upwards(path: str) -> Iterator[str]:
    yield path
    while path:
        path = path.rpartition("/")[0]
        yield path

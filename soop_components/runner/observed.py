"""Finds out what packages and scripts change at the paths that units and scripts of the plan depend on."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from soop_components.runner import unit_files
from soop_components.runner.touched import Touched
from soop_components.runner.work import Work

_Things = frozenset[tuple[object, ...]]
_CACHES = ("__pycache__",)
"""Folders that a program fills by being run."""


@contextmanager
def observed(work: Work) -> Iterator[None]:
    """Note in ``work.ledger.changing`` each such path at or below which something changes.

    All of them are noted meanwhile: whoever carries on after a kill takes everything for changed.
    """
    before = {path: _things(work.host.places.real(path)) for path in _paths(work)}
    notes = {Touched("below", path) for path in before} - work.ledger.changing
    work.touch(notes)
    try:
        yield
    finally:
        changed = [path for path, things in before.items() if _things(work.host.places.real(path)) != things]
        work.ledger.changing -= notes
        work.begin_change(changed, "below")


def _paths(work: Work) -> set[str]:
    units, components = work.document.units, work.document.components
    paths = {path for unit in units.values() for path in (*unit.restart_on, *unit.reload_on)}
    paths |= {path for component in components for script in component.scripts for path in script.triggers}
    return {path.rstrip("/") for path in paths}.union(*map(unit_files.places, units))


def _things(path: str) -> _Things:
    """Return what is at and below a path, without reading files; a symbolic link is followed at its beginning only."""
    if not os.path.lexists(path):
        return frozenset()
    found = set()
    for top in {path, os.path.realpath(path)}:
        found |= _state(top)
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if name not in _CACHES]
            for name in folders + files:
                found |= _state(os.path.join(folder, name))
    return frozenset(found)


def _state(path: str) -> set[tuple[object, ...]]:
    with suppress(OSError):
        found = os.lstat(path)
        who = (path, found.st_mode, found.st_uid, found.st_gid)
        return {who if stat.S_ISDIR(found.st_mode) else (*who, found.st_size, found.st_mtime_ns, found.st_ino)}
    return set()

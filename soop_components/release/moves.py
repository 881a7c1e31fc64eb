"""Data on disks that other versions of its programs cannot read: which of it an update moves, and what that means."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

from soop_components.machines import Unsupported, no_snapshots
from soop_components.machines.kinds import kind_of
from soop_components.model.data import Data
from soop_components.model.names import RoleName
from soop_components.model.plan import RolePlan
from soop_components.release.inputs import ReleaseInputs


class Move(NamedTuple):
    """Data of a role that programs of one package have written, and those of another one are to read."""

    role: RoleName
    data: Data
    """As the newer of both versions has it."""
    before: str
    """The package that has written it."""
    after: str


def moves(before: ReleaseInputs | None, after: ReleaseInputs) -> Iterator[Move]:
    """Yield the data that an update moves to newer programs."""
    for role, old, new in _roles(before, after):
        for data in new.data:
            if data.component in old.components and (package := _older(data, old)):
                yield Move(role, data, package, data.written_by)


def moves_back(before: ReleaseInputs | None, after: ReleaseInputs) -> Iterator[Move]:
    """Yield the data that older programs would have to read, which they cannot."""
    for role, old, new in _roles(before, after):
        for data in old.data:
            if data.component in new.components and (package := _older(data, new)):
                yield Move(role, data, data.written_by, package)


def _roles(before: ReleaseInputs | None, after: ReleaseInputs) -> Iterator[tuple[RoleName, RolePlan, RolePlan]]:
    """Yield the roles whose nodes keep a disk."""
    for role, new in after.roles.items():
        old = before.roles.get(role) if before else None
        if old is not None and old.disk is not None and new.disk is not None:
            yield role, old, new


def _older(data: Data, plan: RolePlan) -> str | None:
    """Return what a plan has in place of what has written the data; None if that is there.

    A plan from before a block said what its data is written by has only packages.
    """
    there = {*plan.packages, *(each.written_by for each in plan.data if each.component == data.component)}
    if data.written_by in there:
        return None
    return next((writer for writer in data.moved_from if writer in there), None)


def moved_roles(before: ReleaseInputs | None, after: ReleaseInputs) -> Collection[RoleName]:
    """Return the roles with data that an update moves."""
    return {move.role for move in moves(before, after)}


def move_in_words(move: Move) -> str:
    """Say what moves."""
    return f"{move.data.component}'s data ({move.role}) moves from {move.before} to {move.after}"


def refuse_moves(before: ReleaseInputs, after: ReleaseInputs) -> None:
    """Raise ``Unsupported`` where data would move on machines without snapshots, from which it would not come back, or
    where machines are replaced before a rollout, in which the old one would hand it over.
    """
    kind = kind_of(after.machines)
    why = f"takes a snapshot first, and {no_snapshots(kind.name)}"
    if kind.has_snapshots:
        why = f"the old machine hands over, and one of the kind {kind.name} is replaced before it could"
    if not kind.has_snapshots or kind.replaces_in_turn:
        for move in moves(before, after):
            hop = f"{before.reference} -> {after.reference.version}"
            raise Unsupported(
                f"{hop}: {move_in_words(move)}, which {why}",
                f"stay with base: {before.base}, or bring the data to a new role by your own means",
            )

"""What a database remembers of its migrations, beside those that are wanted."""

from __future__ import annotations

from typing import NamedTuple

from .database import fail
from .files import CONTRACT, IRREVERSIBLE, Migration

UNFINISHED = "unfinished"
"""Recorded in place of a checksum when part of a migration is in the database, so that it does not run twice."""


class Applied(NamedTuple):
    """A migration as the database remembers it."""

    name: str
    checksum: str
    has_down: bool = True
    is_irreversible: bool = False
    is_contract: bool = False
    """Whether versions that lack it are to be kept from it: no downgrade is about to undo it."""

    @property
    def keeps_out(self) -> str | None:
        """Return why a version that lacks it does not run on its result; None if it does."""
        return IRREVERSIBLE if self.is_irreversible else CONTRACT if self.is_contract else None


def pending(wanted: list[Migration], applied: dict[int, Applied]) -> list[Migration]:
    """Return the migrations to run; a changed one, or one that comes too late, is a failure.

    The database may be ahead: after a rollback to an earlier version its schema still serves that one, too, unless a
    migration says otherwise that nothing undoes, or that no downgrade is about to undo.
    """
    latest = max(applied, default=0)
    known = {migration.number for migration in wanted}
    for number, one in applied.items():
        if one.keeps_out and number not in known:
            fail(
                f"{number:03}_{one.name} of a later version is {one.keeps_out}, and this version does not run on its "
                "result: deploy one that has it, or put back a snapshot from before"
            )
    for migration in wanted:
        done = applied.get(migration.number)
        if done is not None and done.checksum == UNFINISHED:
            fail(migration.unfinished)
        if done is not None and done.checksum != migration.checksum:
            fail(f"{migration.path}: is not what was applied as {migration.number:03}_{done.name}; add a new migration")
        if done is None and migration.number < latest:
            fail(f"{migration.path}: {latest:03}_{applied[latest].name} was applied already; give it a later number")
    return [migration for migration in wanted if migration.number not in applied]

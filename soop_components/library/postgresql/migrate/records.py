"""What a database remembers of its migrations: the table public.schema_migrations."""

from __future__ import annotations

from typing import NamedTuple

from .database import LOCK_TIMEOUT, Database, fail
from .files import CONTRACT, IRREVERSIBLE, Migration

UNFINISHED = "unfinished"
"""Recorded in place of a checksum when a migration ended its transaction itself, so that it does not run twice."""
TABLE = """
CREATE TABLE IF NOT EXISTS public.schema_migrations (
    number bigint PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE public.schema_migrations ADD COLUMN IF NOT EXISTS down text;
ALTER TABLE public.schema_migrations ADD COLUMN IF NOT EXISTS irreversible boolean NOT NULL DEFAULT false;
ALTER TABLE public.schema_migrations ADD COLUMN IF NOT EXISTS contract boolean NOT NULL DEFAULT false;
"""
RECORD = """\
INSERT INTO public.schema_migrations (number, name, checksum, down, irreversible, contract)
VALUES ({number}, '{name}', '{checksum}', {down}, {irreversible}, {contract})
ON CONFLICT (number) DO UPDATE SET checksum = EXCLUDED.checksum;
"""
REMEMBER = """
UPDATE public.schema_migrations SET down = {down}, contract = {contract}
WHERE number = {number} AND checksum = '{checksum}';
"""
ALLOW_OLDER = "UPDATE public.schema_migrations SET contract = false WHERE number > {number};"
KNOWN = "SELECT number, name, checksum, down IS NOT NULL, irreversible, contract FROM public.schema_migrations"
FORGET = "DELETE FROM public.schema_migrations WHERE number = {number};\n"
IS_THERE = "EXISTS (SELECT FROM public.schema_migrations WHERE number = {number})"
COLUMNS = """
SELECT attname FROM pg_catalog.pg_attribute
WHERE attrelid = to_regclass('public.schema_migrations') AND attnum > 0 AND NOT attisdropped;
"""
FROM_ON = "SELECT number FROM public.schema_migrations WHERE number >= {number};"
LATER = """
SELECT number, name, checksum, down IS NOT NULL, translate(encode(convert_to(down, 'UTF8'), 'base64'), E'\\n', '')
FROM public.schema_migrations WHERE number > {number} ORDER BY number DESC;
"""


def record_of(migration: Migration, checksum: str) -> str:
    """Return the SQL that records a migration."""
    irreversible = str(migration.declares(IRREVERSIBLE)).lower()
    known = {"number": migration.number, "name": migration.name, "checksum": checksum}
    return RECORD.format(**known, irreversible=irreversible, **way_back_of(migration))


def way_back_of(migration: Migration) -> dict[str, str]:
    """Return the SQL of what a downgrade needs to know of a migration."""
    return {"down": migration.down_literal, "contract": str(migration.declares(CONTRACT)).lower()}


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


class Change(NamedTuple):
    """One change of the schema, the SQL that records it, and the condition that it is recorded."""

    migration: Migration
    record: str
    is_recorded: str

    @classmethod
    def up(cls, migration: Migration) -> Change:
        """Apply a migration."""
        is_recorded = IS_THERE.format(number=migration.number)
        return cls(migration, record_of(migration, migration.checksum), is_recorded)

    @classmethod
    def down(cls, migration: Migration) -> Change:
        """Undo one; the migration's content is what undoes it."""
        is_recorded = f"NOT {IS_THERE.format(number=migration.number)}"
        return cls(migration, FORGET.format(number=migration.number), is_recorded)


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


def prepare(database: Database, columns: set[str]) -> None:
    """Make the table of migrations what it is now; where it is that, no lock is asked for that its readers wait for."""
    if not columns >= {"down", "irreversible", "contract"}:
        database.run(f"SET lock_timeout = '{LOCK_TIMEOUT}';\n{TABLE}")

"""What a database remembers of its migrations: the table public.schema_migrations."""

from __future__ import annotations

import base64
from typing import NamedTuple

from .database import LOCK_TIMEOUT, Database
from .files import CONTRACT, IRREVERSIBLE, Migration

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


COUNT = "SET statement_timeout = '5s';\nSELECT count({counted}) FROM {table};"


def record_of(migration: Migration, checksum: str) -> str:
    """Return the SQL that records a migration."""
    irreversible = str(migration.declares(IRREVERSIBLE)).lower()
    known = {"number": migration.number, "name": migration.name, "checksum": checksum}
    return RECORD.format(**known, irreversible=irreversible, **way_back_of(migration))


def way_back_of(migration: Migration) -> dict[str, str]:
    """Return the SQL of what a downgrade needs to know of a migration."""
    return {"down": down_literal(migration), "contract": str(migration.declares(CONTRACT)).lower()}


def down_literal(migration: Migration) -> str:
    """Return the SQL of a value with what undoes a migration."""
    if migration.down is None:
        return "NULL"
    encoded = base64.b64encode(migration.down).decode()
    return f"pg_catalog.convert_from(pg_catalog.decode('{encoded}', 'base64'), 'UTF8')"


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


def columns_of(database: Database) -> set[str]:
    """Return the columns of the table of migrations; none where there is no such table."""
    return {column for (column,) in database.run(COLUMNS, as_superuser=True)}


def prepare(database: Database, columns: set[str]) -> None:
    """Make the table of migrations what it is now; where it is that, no lock is asked for that its readers wait for."""
    if not columns >= {"down", "irreversible", "contract"}:
        database.run(f"SET lock_timeout = '{LOCK_TIMEOUT}';\n{TABLE}")

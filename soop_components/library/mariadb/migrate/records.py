"""What a database remembers of its migrations: its table schema_migrations."""

from __future__ import annotations

import base64
from typing import NamedTuple

from .database import Database
from .files import CONTRACT, IRREVERSIBLE, Migration

TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number bigint PRIMARY KEY,
    name varchar(255) NOT NULL,
    checksum char(64) NOT NULL,
    applied_at timestamp NOT NULL DEFAULT current_timestamp,
    down longtext,
    irreversible boolean NOT NULL DEFAULT false,
    contract boolean NOT NULL DEFAULT false
) ENGINE = InnoDB CHARACTER SET utf8mb4;
"""
RECORD = """\
INSERT INTO schema_migrations (number, name, checksum, down, irreversible, contract)
VALUES ({number}, '{name}', '{checksum}', {down}, {irreversible}, {contract});
"""
REMEMBER = """
UPDATE schema_migrations SET down = {down}, contract = {contract} WHERE number = {number} AND checksum = '{checksum}';
"""
ALLOW_OLDER = "UPDATE schema_migrations SET contract = false WHERE number > {number};"
KNOWN = """
SELECT number, name, checksum, if(down IS NULL, 'f', 't'), if(irreversible, 't', 'f'), if(contract, 't', 'f')
FROM schema_migrations;
"""
IS_THERE = "SELECT number FROM schema_migrations WHERE number = {number};"
FORGET = "DELETE FROM schema_migrations WHERE number = {number};\n"
COLUMNS = """
SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = 'schema_migrations';
"""
FROM_ON = "SELECT number FROM schema_migrations WHERE number >= {number};"
LATER = """
SELECT number, name, checksum, if(down IS NULL, 'f', 't'), coalesce(replace(to_base64(down), '\\n', ''), '')
FROM schema_migrations WHERE number > {number} ORDER BY number DESC;
"""
COUNT = "SET STATEMENT max_statement_time = 5 FOR SELECT count({counted}) FROM {table};"


def way_back_of(migration: Migration) -> dict[str, str]:
    """Return the SQL of what a downgrade needs to know of a migration."""
    down = "NULL"
    if migration.down is not None:
        down = f"convert(from_base64('{base64.b64encode(migration.down).decode()}') USING utf8mb4)"
    return {"down": down, "contract": str(migration.declares(CONTRACT)).lower()}


class Change(NamedTuple):
    """One change of the schema, and the SQL that records it."""

    migration: Migration
    record: str
    is_recorded: bool
    """Whether the migration is recorded afterwards."""

    @classmethod
    def up(cls, migration: Migration) -> Change:
        """Apply a migration."""
        irreversible = str(migration.declares(IRREVERSIBLE)).lower()
        known = {"number": migration.number, "name": migration.name, "checksum": migration.checksum}
        return cls(migration, RECORD.format(**known, irreversible=irreversible, **way_back_of(migration)), True)

    @classmethod
    def down(cls, migration: Migration) -> Change:
        """Undo one; the migration's content is what undoes it."""
        return cls(migration, FORGET.format(number=migration.number), False)


def columns_of(database: Database) -> set[str]:
    """Return the columns of the table of migrations; none where there is no such table."""
    return {column for (column,) in database.run(COLUMNS)}


def prepare(database: Database, columns: set[str]) -> None:
    """Make the table of migrations where there is none."""
    if not columns:
        database.run(TABLE)

"""Makes one change of a schema: as a whole or not at all."""

from __future__ import annotations

import re
import sys

from .database import LOCK_TIMEOUT, Database, fail
from .files import NO_TRANSACTION, SUPERUSER, Migration
from .history import UNFINISHED
from .records import Change, record_of

INVALID_INDEXES = """
SELECT indexrelid::regclass, relname, EXISTS (
    SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid AND datname = current_database()
)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT indisvalid AND relkind = 'i' AND relnamespace <> 'pg_toast'::regnamespace;
"""


def transaction(change: Change) -> str:
    """Return the SQL that prints a transaction's id, makes a change in it, and records it in that same one or not.

    What another session has made while this one waited for the lock is not made again.
    """
    return (
        "BEGIN;\nSELECT pg_catalog.pg_current_xact_id() AS soop_begun \\gset\n\\echo :soop_begun\n"
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';\nLOCK TABLE public.schema_migrations IN EXCLUSIVE MODE;\n"
        f"SELECT {change.is_recorded} AS done \\gset\n\\if :done\nROLLBACK;\n\\quit\n\\endif\n"
        f"\\i '{change.migration.path}'\n"
        "SELECT pg_catalog.pg_current_xact_id()::text = :'soop_begun' AS same \\gset\n"
        f"\\if :same\n{change.record}COMMIT;\n\\endif\n"
    )


def run_in_transaction(database: Database, change: Change) -> None:
    """Make a change; whether it was all of it or nothing is asked of the database, not of the migration."""
    migration = change.migration
    code, said = database.attempt(transaction(change), migration.declares(SUPERUSER))
    begun = said.partition("\n")[0]
    if not begun:
        raise SystemExit(code)
    ((status, is_recorded),) = database.run(f"SELECT pg_catalog.pg_xact_status('{begun}'), {change.is_recorded};")
    if is_recorded == "t":
        return
    if code == 0 or status == "committed":
        sys.stderr.write(f"{migration.unfinished}\n")
        sys.stderr.flush()
        database.run(record_of(migration, UNFINISHED))
    raise SystemExit(code or 1)


def run_alone(database: Database, change: Change) -> None:
    """Make a change of one statement that cannot be in a transaction, and record it afterwards."""
    migration = change.migration
    drop_invalid_indexes(database, migration)
    waits_alone = migration.mentions("concurrently")  # nobody waits behind it, and it has to wait for all transactions
    timeout = "" if waits_alone else f"SET lock_timeout = '{LOCK_TIMEOUT}';\n"
    code, _ = database.attempt(f"{timeout}\\i '{migration.path}'\n{change.record}")
    if code != 0:
        drop_invalid_indexes(database, migration)
        raise SystemExit(code)


def drop_invalid_indexes(database: Database, migration: Migration) -> None:
    """Drop what a failed ``CREATE INDEX`` or ``REINDEX`` left: ``IF NOT EXISTS`` would take it for an index."""
    for index, name, is_being_built in database.run(INVALID_INDEXES, as_superuser=True):
        is_copy = migration.mentions("reindex") and re.search(r"_cc(?:new|old)\d*$", name)
        if not is_copy and not migration.mentions(name):
            continue
        if is_being_built == "t":
            fail(f"{migration.path}: another session is building the index {index}; deploy again when it has ended")
        sys.stderr.write(f"{migration.path}: drops the index {index}, which a failed run left invalid\n")
        sys.stderr.flush()
        database.run(f"SET lock_timeout = '{LOCK_TIMEOUT}';\nDROP INDEX CONCURRENTLY {index};")


def run(database: Database, what: str, change: Change) -> None:
    """Make a change as its file declares."""
    sys.stdout.write(f"{what} {change.migration.label}\n")
    sys.stdout.flush()
    (run_alone if change.migration.declares(NO_TRANSACTION) else run_in_transaction)(database, change)

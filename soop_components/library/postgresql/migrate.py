#!/usr/bin/python3
"""Brings a database's schema up to date: runs each migration that has not run yet, in order.

Arguments: port, database, owner, folder. With ``--down-to NUMBER`` it undoes what was applied after that number, the
newest first, with the down-migrations that the database remembers: those of a newer version, which this one lacks.
With ``--rows NUMBER`` it says how many rows that would lose; with ``--lacks NUMBER`` it succeeds if neither that one
nor a later one was applied.

Runs as a superuser of the database, the migrations as the owner unless they declare otherwise. Their SQL was checked
when they were built.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, NoReturn

NAME = re.compile(r"(?P<number>\d{3,18})_(?P<name>[a-z0-9_]+)\.(?P<direction>up|down)\.sql")
DECLARATION = re.compile(r"--\s*soop\s*:(?P<words>.*)", re.IGNORECASE)
NO_TRANSACTION = "no-transaction"
SUPERUSER = "superuser"
IRREVERSIBLE = "irreversible"
UNFINISHED = "unfinished"
"""Recorded in place of a checksum when a migration ended its transaction itself, so that it does not run twice."""
LOCK_TIMEOUT = "30s"
"""How long a migration waits for a lock; while it waits for one on a table, everybody else who needs that waits too."""
TABLE = """
CREATE TABLE IF NOT EXISTS public.schema_migrations (
    number bigint PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE public.schema_migrations ADD COLUMN IF NOT EXISTS down text;
ALTER TABLE public.schema_migrations ADD COLUMN IF NOT EXISTS irreversible boolean NOT NULL DEFAULT false;
"""
RECORD = """\
INSERT INTO public.schema_migrations (number, name, checksum, down, irreversible)
VALUES ({number}, '{name}', '{checksum}', {down}, {irreversible})
ON CONFLICT (number) DO UPDATE SET checksum = EXCLUDED.checksum;
"""
REMEMBER = "UPDATE public.schema_migrations SET down = {down} WHERE number = {number} AND checksum = '{checksum}';"
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
IDENTIFIER = r"(?P<name>(?:[\w$]+|\"[^\"]+\")(?:\.(?:[\w$]+|\"[^\"]+\"))?)"
DROP_TABLE = re.compile(rf"\s*drop\s+table\s+(?:if\s+exists\s+)?{IDENTIFIER}", re.IGNORECASE)
ALTER_TABLE = re.compile(
    rf"\s*alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{IDENTIFIER}(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
DROP_COLUMN = re.compile(
    rf"\bdrop\s+(?:column\s+)?(?!column\b|constraint\b|default\b|not\b|identity\b|expression\b)(?:if\s+exists\s+)?"
    rf"{IDENTIFIER}",
    re.IGNORECASE,
)
INVALID_INDEXES = """
SELECT indexrelid::regclass, relname, EXISTS (
    SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid AND datname = current_database()
)
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT indisvalid AND relkind = 'i' AND relnamespace <> 'pg_toast'::regnamespace;
"""


def declarations(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield numbers and words of the ``-- soop:`` lines among the comments and empty lines that a file begins with."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith("--"):
            return
        match = DECLARATION.fullmatch(line)
        if match:
            yield number, match["words"].split()


class Migration(NamedTuple):
    """An up-migration as a file says it."""

    number: int
    name: str
    path: Path
    content: bytes
    down: bytes | None = None
    """What undoes it."""

    @property
    def label(self) -> str:
        """Return number and name."""
        return f"{self.number:03}_{self.name}"

    @property
    def checksum(self) -> str:
        """Return what differs when the file has changed."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def text(self) -> str:
        """Return the SQL."""
        return self.content.decode("utf-8-sig")

    @property
    def down_literal(self) -> str:
        """Return the SQL of a value with what undoes it."""
        if self.down is None:
            return "NULL"
        return f"pg_catalog.convert_from(pg_catalog.decode('{base64.b64encode(self.down).decode()}', 'base64'), 'UTF8')"

    def record(self, checksum: str) -> str:
        """Return the SQL that records it."""
        irreversible = str(self.declares(IRREVERSIBLE)).lower()
        known = {"number": self.number, "name": self.name, "checksum": checksum}
        return RECORD.format(**known, down=self.down_literal, irreversible=irreversible)

    @property
    def unfinished(self) -> str:
        """Say what to do about a part of it that is in the database."""
        return (
            f"{self.path}: ended its transaction itself. What it committed stays and cannot be rolled back: see what "
            "is there and undo it by hand, take out of the file what commits or rolls back, "
            f"remove number {self.number} from the table public.schema_migrations, and deploy again"
        )

    def declares(self, word: str) -> bool:
        """Return whether a head line of the file has the word."""
        return any(word in words for _, words in declarations(self.text))

    def mentions(self, name: str) -> bool:
        """Return whether a name is somewhere in the SQL."""
        return re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", self.text, re.IGNORECASE) is not None


class Applied(NamedTuple):
    """A migration as the database remembers it."""

    name: str
    checksum: str
    has_down: bool = True
    is_irreversible: bool = False


class Change(NamedTuple):
    """One change of the schema, the SQL that records it, and the condition that it is recorded."""

    migration: Migration
    record: str
    is_recorded: str

    @classmethod
    def up(cls, migration: Migration) -> Change:
        """Apply a migration."""
        is_recorded = IS_THERE.format(number=migration.number)
        return cls(migration, migration.record(migration.checksum), is_recorded)

    @classmethod
    def down(cls, migration: Migration) -> Change:
        """Undo one; the migration's content is what undoes it."""
        is_recorded = f"NOT {IS_THERE.format(number=migration.number)}"
        return cls(migration, FORGET.format(number=migration.number), is_recorded)


class Database(NamedTuple):
    """Where the migrations run, and as whom."""

    port: str
    name: str
    owner: str

    def attempt(self, sql: str, as_superuser: bool = False) -> tuple[int, str]:
        """Run SQL; return psql's exit code and output, while its complaints go to standard error."""
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"]
        command += [
            "--set=ON_ERROR_STOP=1",
            "--host=/run/postgresql",
            f"--port={self.port}",
            f"--dbname={self.name}",
            "--file=-",
        ]
        settings = (
            "SET client_min_messages = warning;\nSET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
        )
        role = "" if as_superuser else f'SET ROLE "{self.owner}";\n'
        done = subprocess.run(command, input=settings + role + sql, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        return done.returncode, done.stdout

    def run(self, sql: str, as_superuser: bool = False) -> list[list[str]]:
        """Run SQL that has to succeed, and return the rows that it yields."""
        code, said = self.attempt(sql, as_superuser)
        if code != 0:
            raise SystemExit(code)
        return [line.split("\t") for line in said.splitlines()]


def fail(message: str) -> NoReturn:
    """End with a message on standard error."""
    raise SystemExit(message)


def migrations(folder: Path) -> list[Migration]:
    """Return the up-migrations of a folder in order."""
    found = ((path, NAME.fullmatch(path.name)) for path in folder.iterdir())
    return sorted(
        Migration(int(match["number"]), match["name"], path, path.read_bytes(), down_of(path))
        for path, match in found
        if match and match["direction"] == "up"
    )


def down_of(path: Path) -> bytes | None:
    """Return the down-migration beside an up-migration."""
    down = path.with_name(path.name.replace(".up.", ".down."))
    return down.read_bytes() if down.exists() else None


def pending(wanted: list[Migration], applied: dict[int, Applied]) -> list[Migration]:
    """Return the migrations to run; a changed one, or one that comes too late, is a failure.

    The database may be ahead: after a rollback to an earlier version its schema still serves that one, too, unless a
    migration that nothing undoes says otherwise.
    """
    latest = max(applied, default=0)
    known = {migration.number for migration in wanted}
    for number, one in applied.items():
        if one.is_irreversible and number not in known:
            fail(
                f"{number:03}_{one.name} of a later version is irreversible, and this version does not run on its "
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
        database.run(migration.record(UNFINISHED))
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


def prepare(database: Database, columns: set[str]) -> None:
    """Make the table of migrations what it is now; where it is that, no lock is asked for that its readers wait for."""
    if not columns >= {"down", "irreversible"}:
        database.run(f"SET lock_timeout = '{LOCK_TIMEOUT}';\n{TABLE}")


def migrate_up(database: Database, wanted: list[Migration]) -> None:
    """Run what is pending, and remember how to undo what ran before the database remembered that."""
    rows = database.run("SELECT number, name, checksum, down IS NOT NULL, irreversible FROM public.schema_migrations")
    applied = {
        int(number): Applied(name, checksum, down == "t", irreversible == "t")
        for number, name, checksum, down, irreversible in rows
    }
    for migration in pending(wanted, applied):
        run(database, "migration", Change.up(migration))
    for migration in wanted:
        if migration.down is not None and not applied.get(migration.number, Applied("", "")).has_down:
            known = {"number": migration.number, "checksum": migration.checksum, "down": migration.down_literal}
            database.run(REMEMBER.format(**known))


def migrate_down(database: Database, last: int) -> None:
    """Undo what was applied after a number, the newest first; nothing is undone unless all of it can be."""
    rows = database.run(LATER.format(number=last))
    with tempfile.TemporaryDirectory() as folder:
        changes = []
        for number, name, checksum, is_known, down in rows:
            path = Path(folder) / f"{int(number):03}_{name}.down.sql"
            migration = Migration(int(number), name, path, base64.b64decode(down))
            if checksum == UNFINISHED:
                fail(migration.unfinished)
            if is_known != "t":
                fail(f"{migration.label} cannot be undone: the database knows no down-migration of it")
            path.write_bytes(migration.content)
            changes.append(Change.down(migration))
        for change in changes:
            run(database, "undoing migration", change)


def losses(down: str) -> Iterator[tuple[str, str | None]]:
    """Yield the tables, and the tables with columns, that a down-migration drops."""
    for statement in re.sub(r"--[^\n]*|/\*.*?\*/", " ", down, flags=re.DOTALL).split(";"):
        if table := DROP_TABLE.match(statement):
            yield table["name"], None
        if table := ALTER_TABLE.match(statement):
            yield from ((table["name"], column["name"]) for column in DROP_COLUMN.finditer(table["rest"]))


def count_rows(database: Database, last: int) -> None:
    """Say how many rows of what was made after a number would be lost, as far as it can be read out of the SQL."""
    for number, name, _, _, down in database.run(LATER.format(number=last)):
        for table, column in losses(base64.b64decode(down).decode("utf-8-sig")):
            code, rows = database.attempt(COUNT.format(table=table, counted=column or "*"))
            if code == 0:
                what = f"{table}.{column}" if column else table
                sys.stdout.write(f"{int(number):03}_{name}: {what}: {rows.strip()} rows\n")


def main() -> None:
    """Run what is pending, or undo."""
    port, name, owner, folder, *further = sys.argv[1:]
    database = Database(port, name, owner)
    columns = {column for (column,) in database.run(COLUMNS, as_superuser=True)}
    match further:
        case []:
            prepare(database, columns)
            migrate_up(database, migrations(Path(folder)))
        case ["--down-to", number]:
            prepare(database, columns)
            migrate_down(database, int(number))
        case ["--rows", number]:
            if "down" in columns:
                count_rows(database, int(number))
        case ["--lacks", number]:
            if columns and database.run(FROM_ON.format(number=int(number))):
                fail(f"migration {number} or a later one was applied")
        case _:
            fail("expected port, database, owner, folder, and perhaps --down-to, --rows or --lacks NUMBER")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Brings a database's schema up to date: runs each migration that has not run yet, in order, each in one transaction.

Arguments: port, database, owner, folder. Runs as a superuser of the database; the migrations run as the owner.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple, NoReturn

NAME = re.compile(r"(?P<number>\d{3,})_(?P<name>[a-z0-9_]+)\.(?P<direction>up|down)\.sql")
TRANSACTION = re.compile(
    r"^\s*(?:COMMIT|ROLLBACK|ABORT|START\s+TRANSACTION|BEGIN(?:\s+(?:WORK|TRANSACTION))?)\b[^;\n]*;",
    re.IGNORECASE | re.MULTILINE,
)
LOCK_PATIENCE = "30s"
"""How long a migration waits for a lock; while it waits for one on a table, everybody else who needs that waits too."""
TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);
"""


class Migration(NamedTuple):
    """An up-migration as a file says it."""

    number: int
    name: str
    path: Path
    checksum: str


class Applied(NamedTuple):
    """A migration as the database remembers it."""

    name: str
    checksum: str


class Database(NamedTuple):
    """Where the migrations run, and as whom."""

    port: str
    name: str
    owner: str

    def run(self, sql: str) -> str:
        """Run SQL as the owner; what psql complains about goes to standard error."""
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"]
        command += [
            "--set=ON_ERROR_STOP=1",
            "--host=/run/postgresql",
            f"--port={self.port}",
            f"--dbname={self.name}",
            "--file=-",
        ]
        text = f'SET client_min_messages = warning;\nSET ROLE "{self.owner}";\n{sql}'
        done = subprocess.run(command, input=text, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        if done.returncode != 0:
            raise SystemExit(done.returncode)
        return done.stdout


def fail(message: str) -> NoReturn:
    """End with a message on standard error."""
    raise SystemExit(message)


def migrations(folder: Path) -> list[Migration]:
    """Return the up-migrations of a folder in order; a file that would silently be left out is a failure."""
    found: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = NAME.fullmatch(path.name)
        if match is None:
            fail(f"{path}: expected a name such as 001_readers.up.sql")
        if match["direction"] == "down":
            continue
        number = int(match["number"])
        if number in found:
            fail(f"{path}: {found[number].path.name} has the same number")
        if TRANSACTION.search(path.read_text(encoding="utf-8")):
            fail(f"{path}: must not begin or end transactions; each migration runs in one of its own")
        found[number] = Migration(number, match["name"], path, hashlib.sha256(path.read_bytes()).hexdigest())
    return [found[number] for number in sorted(found)]


def pending(wanted: list[Migration], applied: dict[int, Applied]) -> list[Migration]:
    """Return the migrations to run; a changed one, or one that comes too late, is a failure.

    The database may be ahead: after a return to an earlier version its schema still serves that one, too.
    """
    latest = max(applied, default=0)
    for migration in wanted:
        done = applied.get(migration.number)
        if done is not None and done.checksum != migration.checksum:
            fail(f"{migration.path}: is not what was applied as {migration.number:03}_{done.name}; add a new migration")
        if done is None and migration.number < latest:
            fail(f"{migration.path}: {latest:03}_{applied[latest].name} was applied already; give it a later number")
    return [migration for migration in wanted if migration.number not in applied]


def transaction(migration: Migration) -> str:
    """Return the SQL that runs a migration and records it, both or neither."""
    return (
        f"BEGIN;\nSET LOCAL lock_timeout = '{LOCK_PATIENCE}';\nLOCK TABLE schema_migrations IN EXCLUSIVE MODE;\n"
        f"\\i '{migration.path}'\n;\n"
        "INSERT INTO schema_migrations (number, name, checksum) "
        f"VALUES ({migration.number}, '{migration.name}', '{migration.checksum}');\nCOMMIT;\n"
    )


def main() -> None:
    """Run what is pending."""
    port, name, owner, folder = sys.argv[1:]
    database = Database(port, name, owner)
    wanted = migrations(Path(folder))
    database.run(TABLE)
    applied: dict[int, Applied] = {}
    for line in database.run("SELECT number, name, checksum FROM schema_migrations").splitlines():
        number, label, checksum = line.split("\t")
        applied[int(number)] = Applied(label, checksum)
    for migration in pending(wanted, applied):
        sys.stdout.write(f"migration {migration.number:03}_{migration.name}\n")
        sys.stdout.flush()
        database.run(transaction(migration))


if __name__ == "__main__":
    main()

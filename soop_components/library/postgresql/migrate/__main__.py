"""The program: runs what is pending, or undoes.

Arguments: port, database, owner, folder. With ``--down-to NUMBER`` it undoes what was applied after that number, the
newest first, with the down-migrations that the database remembers: those of a newer version, which this one lacks.
With ``--rows NUMBER`` it says how many rows that would lose; with ``--lacks NUMBER`` it succeeds if neither that one
nor a later one was applied.

Runs as a superuser of the database, the migrations as the owner unless they declare otherwise. Their SQL was checked
when they were built.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

from .database import Database, fail
from .files import Migration, migrations
from .losses import count_rows
from .records import COLUMNS, FROM_ON, LATER, REMEMBER, UNFINISHED, Applied, Change, pending, prepare
from .running import run


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

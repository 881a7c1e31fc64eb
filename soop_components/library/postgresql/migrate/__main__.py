"""The program: runs what is pending, or undoes.

Arguments: those of ``Database``, folder. With ``--down-to NUMBER`` it undoes what was applied after that number, the
newest first, with the down-migrations that the database remembers: those of a newer version, which this one lacks.
``--allow-older NUMBER`` comes before that: an older version may start although it does not run on what is undone next.
With ``--rows NUMBER`` it says how many rows that would lose; with ``--lacks NUMBER`` it succeeds if neither that one
nor a later one was applied.

The SQL of migrations was checked when they were built.
"""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

from .database import Database, fail
from .files import CONTRACT, Migration, migrations
from .history import UNFINISHED, Applied, pending
from .losses import count_rows
from .records import ALLOW_OLDER, FROM_ON, KNOWN, LATER, REMEMBER, Change, columns_of, prepare, way_back_of
from .running import run


def migrate_up(database: Database, wanted: list[Migration]) -> None:
    """Run what is pending, and remember how to undo what ran before, where the database does not."""
    applied = {
        int(number): Applied(name, checksum, *(flag == "t" for flag in flags))
        for number, name, checksum, *flags in database.run(KNOWN)
    }
    for migration in pending(wanted, applied):
        run(database, "migration", Change.up(migration))
    for migration in wanted:
        known = applied.get(migration.number)
        lacks_down = known is not None and migration.down is not None and not known.has_down
        if lacks_down or (known and known.is_contract != migration.declares(CONTRACT)):
            way_back = {"number": migration.number, "checksum": migration.checksum, **way_back_of(migration)}
            database.run(REMEMBER.format(**way_back))


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
    where, (folder, *further) = sys.argv[1 : len(Database._fields) + 1], sys.argv[len(Database._fields) + 1 :]
    database = Database(*where)
    columns = columns_of(database)
    match further:
        case []:
            prepare(database, columns)
            migrate_up(database, migrations(Path(folder)))
        case ["--down-to", number]:
            prepare(database, columns)
            migrate_down(database, int(number))
        case ["--allow-older", number]:
            prepare(database, columns)
            database.run(ALLOW_OLDER.format(number=int(number)))
        case ["--rows", number]:
            if "down" in columns:
                count_rows(database, int(number))
        case ["--lacks", number]:
            if columns and database.run(FROM_ON.format(number=int(number))):
                fail(f"migration {number} or a later one was applied")
        case _:
            fail("expected where the database is, a folder, and perhaps an option and NUMBER")


if __name__ == "__main__":
    main()

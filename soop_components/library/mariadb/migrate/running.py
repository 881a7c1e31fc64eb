"""Makes one change of a schema."""

from __future__ import annotations

import sys

from .database import Database
from .records import IS_THERE, Change


def transaction(change: Change) -> str:
    """Return what makes a change and records it, in one transaction as long as nothing in it changes the schema.

    MariaDB commits before and after each statement that does; it makes each one as a whole or not at all. So the build
    sees to it that such a statement is alone in its file, or that the file can run again after a part of it.
    """
    return f"{change.migration.text}\ndelimiter ;\n{change.record}"


def run(database: Database, what: str, change: Change) -> None:
    """Make a change."""
    sys.stdout.write(f"{what} {change.migration.label}\n")
    sys.stdout.flush()
    code, _ = database.attempt(transaction(change))
    if code != 0 or bool(database.run(IS_THERE.format(number=change.migration.number))) != change.is_recorded:
        sys.stderr.write(f"{change.migration.path}: was not made\n")
        raise SystemExit(code or 1)

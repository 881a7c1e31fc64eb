"""Which rows down-migrations lose, as far as it can be read out of their SQL."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Iterator

from .database import Database
from .records import COUNT, LATER

_WORD = r"(?:[\w$]+|\"[^\"]+\"|`[^`]+`)"
IDENTIFIER = rf"(?P<name>{_WORD}(?:\.{_WORD})?)"
DROP_TABLE = re.compile(rf"\s*drop\s+table\s+(?:if\s+exists\s+)?{IDENTIFIER}", re.IGNORECASE)
ALTER_TABLE = re.compile(
    rf"\s*alter\s+table\s+(?:if\s+exists\s+)?(?:only\s+)?{IDENTIFIER}(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
DROP_COLUMN = re.compile(
    rf"\bdrop\s+(?:column\s+)?(?!column\b|constraint\b|default\b|not\b|identity\b|expression\b)(?:if\s+exists\s+)?"
    rf"{IDENTIFIER}",
    re.IGNORECASE,
)


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

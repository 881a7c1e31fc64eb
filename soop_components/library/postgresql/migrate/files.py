"""Migrations as files say them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

NAME = re.compile(r"(?P<number>\d{3,18})_(?P<name>[a-z0-9_]+)\.(?P<direction>up|down)\.sql")
DECLARATION = re.compile(r"--\s*soop\s*:(?P<words>.*)", re.IGNORECASE)
NO_TRANSACTION = "no-transaction"
SUPERUSER = "superuser"
IRREVERSIBLE = "irreversible"
CONTRACT = "contract"


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

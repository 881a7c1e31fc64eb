"""Messages and questions to the person at the terminal, on standard error: standard output is a verb's result."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime

_SHORT = 12


def say(message: str) -> None:
    """Print what was done."""
    print(message, file=sys.stderr, flush=True)


def say_step(message: str) -> None:
    """Print which part of a long task begins."""
    say(f"  {message} …")


def is_interactive() -> bool:
    """Return whether somebody can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirmed(question: str) -> bool:
    """Ask, and say that nothing was changed unless the answer is a plain yes."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    agreed = sys.stdin.readline().strip().lower() in ("y", "yes")
    if not agreed:
        say("nothing was changed")
    return agreed


def short(digest: str | None) -> str:
    """Return as much of a digest as tells it from others; nothing where there is none."""
    return (digest or "").removeprefix("sha256:")[:_SHORT]


def minute(moment: datetime) -> str:
    """Return a moment as the clock here shows it."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns; the first one is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)

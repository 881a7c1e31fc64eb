"""Talk with the person at the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def tell(message: str) -> None:
    """Say what was done, apart from a verb's result."""
    print(message, file=sys.stderr, flush=True)


def is_interactive() -> bool:
    """Tell whether somebody can answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirmed(question: str) -> bool:
    """Ask; only a plain yes is one."""
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def table(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows out in columns; the first one is the heading."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)

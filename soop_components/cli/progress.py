"""Shows that a long step is alive: a line per step on standard error."""

from __future__ import annotations

import sys


def show(message: str) -> None:
    """Print what is being done now."""
    print(f"  {message} …", file=sys.stderr, flush=True)

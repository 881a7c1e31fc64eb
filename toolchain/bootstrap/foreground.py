"""Programs that a person watches and may interrupt."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence

from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.setup import shell_environment


def run(checkout: Checkout, argv: Sequence[str]) -> int:
    """Run a program of this checkout and return its exit code.

    An interrupt at the terminal reaches the program by itself. It gets the time to end well: an engine that is killed
    in the middle leaves its state locked.
    """
    # Set before the program begins, lest an interrupt comes in between; the program, unlike with SIG_IGN, has its own.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return subprocess.Popen(argv, cwd=checkout.root, env=shell_environment.complete(checkout)).wait()
    finally:
        signal.signal(signal.SIGINT, before)


def must(checkout: Checkout, argv: Sequence[str]) -> None:
    """Run a program; that it fails is :class:`Trouble`."""
    code = run(checkout, argv)
    if code:
        raise Trouble(f"`{' '.join(argv)}` failed", code if code > 0 else 1)

"""Programs that a person watches and may interrupt."""

from __future__ import annotations

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
    process = subprocess.Popen(argv, cwd=checkout.root, env=shell_environment.complete(checkout))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def must(checkout: Checkout, argv: Sequence[str]) -> None:
    """Run a program; that it fails is :class:`Trouble`."""
    code = run(checkout, argv)
    if code:
        raise Trouble(f"`{' '.join(argv)}` failed", code if code > 0 else 1)

"""Programs that a person watches and may interrupt."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence

from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble

_IN_SHELL = '[ ! -f .soop/env ] || . ./.soop/env; exec "$@"'
_OTHER_PYTHON = {"VIRTUAL_ENV", "PYTHONHOME"}


def start(checkout: Checkout, argv: Sequence[str], stdout: int | None = None) -> subprocess.Popen[str]:
    """Start a program as a shell would that has read .soop/env."""
    environment = {name: value for name, value in os.environ.items() if name not in _OTHER_PYTHON}
    words = ["sh", "-c", _IN_SHELL, "sh", *argv]
    return subprocess.Popen(words, cwd=checkout.root, env=environment, stdout=stdout, text=True)


def run(checkout: Checkout, argv: Sequence[str]) -> int:
    """Run a program of this checkout and return its exit code.

    An interrupt at the terminal reaches the program by itself. It gets the time to end well: an engine that is killed
    in the middle leaves its state locked.
    """
    # Set before the program begins, lest an interrupt comes in between; the program, unlike with SIG_IGN, has its own.
    before = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        return start(checkout, argv).wait()
    finally:
        signal.signal(signal.SIGINT, before)


def must(checkout: Checkout, argv: Sequence[str]) -> None:
    """Run a program; its failure is :class:`Trouble`."""
    code = run(checkout, argv)
    if code:
        raise Trouble(f"`{' '.join(argv)}` failed", code if code > 0 else 1)


def output(checkout: Checkout, argv: Sequence[str]) -> str:
    """Return what a program prints; its failure is :class:`Trouble`."""
    process = start(checkout, argv, subprocess.PIPE)
    printed = process.communicate()[0]
    if process.returncode:
        raise Trouble(f"`{' '.join(argv)}` failed")
    return printed

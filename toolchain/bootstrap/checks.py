"""Lint, types and tests."""

from __future__ import annotations

import sys

from bootstrap import foreground, setup
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble


def lint(checkout: Checkout) -> None:
    """Run ruff and mypy."""
    setup.run(checkout)
    _lint(checkout)


def test(checkout: Checkout) -> None:
    """Run lint and every test; the last line is pytest's summary."""
    setup.run(checkout, tests=True)
    _lint(checkout)
    sys.exit(foreground.run(checkout, ["python", "-m", "pytest"]))


def soak(checkout: Checkout) -> None:
    """Run the tests that take long, and only those."""
    setup.run(checkout, tests=True)
    sys.exit(foreground.run(checkout, ["python", "-m", "pytest", "-m", "soak"]))


def _lint(checkout: Checkout) -> None:
    for argv in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        if foreground.run(checkout, argv):
            raise Trouble(f"`{' '.join(argv)}` found something to mend")

"""Lint, types and tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from bootstrap import setup, shell_environment
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
    sys.exit(_run(checkout, ["python", "-m", "pytest"]))


def _lint(checkout: Checkout) -> None:
    for argv in (["ruff", "check", "."], ["mypy"]):
        if _run(checkout, argv):
            raise Trouble(f"{argv[0]} found something to mend")


def _run(checkout: Checkout, argv: Sequence[str]) -> int:
    """Run a program of the Python environment in the foreground and return its exit code."""
    program = checkout.venv / "bin" / argv[0]
    environment = shell_environment.complete(checkout)
    return subprocess.run([program, *argv[1:]], cwd=checkout.root, env=environment, check=False).returncode

"""Lint, types and tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from bootstrap import foreground, go_checks, language_host, libvirt_daemon, setup
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.setup import libvirt_host, setup_lock, system_packages

_TWO_WORKERS = ("-n", "2")


def lint(checkout: Checkout) -> None:
    """Run ruff and mypy, and Go's own checks where our language host is built."""
    setup.run(checkout)
    _lint(checkout)


def test(checkout: Checkout) -> None:
    """Run lint and every test; the last line is pytest's summary."""
    setup.run(checkout, tests=True)
    _lint(checkout)
    left_out: Sequence[str] = ()
    if language_host.is_built(checkout):
        go_checks.test(checkout)
    else:
        left_out = [f"--ignore={language_host.TESTS}"]
        print("Pulumi's own language host is installed; the tests of ours are left out (`make toolchain` builds it)")
    sys.exit(foreground.run(checkout, ["python", "-m", "pytest", *_TWO_WORKERS, *left_out]))


def soak(checkout: Checkout) -> None:
    """Run the tests that take long, and only those."""
    _at_libvirt(checkout, "-m", "soak")


def test_aws(checkout: Checkout) -> None:
    """Run the tests of machines at AWS that really run, on this computer; and only those."""
    setup.run(checkout, tests=True)
    sys.exit(foreground.run(checkout, ["python", "-m", "pytest", "-m", "amazon", "tests/scenarios/amazon"]))


def test_libvirt(checkout: Checkout) -> None:
    """Run the scenario on virtual machines, at a real libvirt; it installs libvirt and QEMU."""
    _at_libvirt(checkout, "-m", "libvirt and not soak", "tests/scenarios/libvirt")


def _at_libvirt(checkout: Checkout, *tests: str) -> None:
    setup.run(checkout, tests=True)
    with setup_lock(checkout):
        system_packages.ensure(checkout, libvirt_host.NEEDS)
    with libvirt_daemon.running(checkout):
        foreground.must(checkout, [str(checkout.venv / "bin" / "soop"), "setup", "--libvirt", "debian-12"])
        code = foreground.run(checkout, ["python", "-m", "pytest", *tests])
    sys.exit(code)


def test_real(checkout: Checkout) -> None:
    """Run the life of a domain in an environment that somebody names, with real plugins and accounts."""
    file = os.environ.get("ENVIRONMENT", "")
    if not file:
        where = "docs/kinds-of-machines.md says what happens there"
        raise Trouble(f"say in which environment: make test-real ENVIRONMENT=stacks/environments/FILE.yaml; {where}")
    if not Path(file).is_file():
        raise Trouble(f"there is no environment's file {file}")
    setup.run(checkout, tests=True)
    sys.exit(foreground.run(checkout, ["python", "-m", "pytest", "tests/elsewhere/life.py"]))


def _lint(checkout: Checkout) -> None:
    for argv in (["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]):
        if foreground.run(checkout, argv):
            raise Trouble(f"`{' '.join(argv)}` found something to mend")
    if language_host.is_built(checkout):
        go_checks.lint(checkout)

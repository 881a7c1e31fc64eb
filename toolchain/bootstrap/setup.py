"""Everything before the first `pulumi up`."""

from __future__ import annotations

from bootstrap import engine, foreground, python_environment
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.setup import setup_lock, system_packages

_BASES_OF_TESTS = ("debian-12", "debian-13")
"""Built before tests begin: they share what the checkout has while it does not change."""


def run(checkout: Checkout, *, tests: bool = False) -> None:
    """Make the checkout ready; what is ready is left alone."""
    with setup_lock(checkout):
        if tests:
            system_packages.ensure(checkout, system_packages.TESTS)
        python_environment.ensure(checkout)
        if tests:
            python_environment.ensure_extras(checkout)
        engine.ensure(checkout)
    foreground.must(checkout, [str(checkout.venv / "bin" / "soop"), "setup", *(_BASES_OF_TESTS if tests else ())])


def show_environment(checkout: Checkout) -> None:
    """Print the lines for ``eval "$(make env)"``."""
    file = checkout.home / "env"
    if not file.is_file():
        raise Trouble("this checkout is not set up: run `make setup`")
    print(file.read_text(), end="")

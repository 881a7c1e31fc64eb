"""Everything before the first `pulumi up`."""

from __future__ import annotations

from bootstrap import engine, python_environment
from bootstrap.checkout import Checkout
from soop_components.setup import base_image, shell_environment, system_packages


def run(checkout: Checkout, *, tests: bool = False) -> None:
    """Make the checkout ready; what is ready is left alone."""
    with checkout.alone():
        system_packages.ensure(checkout, (*system_packages.MACHINES, *(system_packages.TESTS if tests else ())))
        python_environment.ensure(checkout)
        engine.ensure(checkout)
        base_image.ensure(checkout)
        shell_environment.ensure(checkout)

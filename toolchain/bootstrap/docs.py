"""Writes what is generated of the documentation: schemas for editors, and the tables of the reference."""

from __future__ import annotations

from bootstrap import foreground, setup
from bootstrap.checkout import Checkout


def run(checkout: Checkout) -> None:
    """Write both anew out of the models and the library."""
    setup.run(checkout)
    foreground.must(checkout, ["soop", "schema", "--write"])
    foreground.must(checkout, ["python", "-m", "docs.generated_parts", "docs/reference"])

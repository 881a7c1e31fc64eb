"""Takes the domain down again."""

from __future__ import annotations

from bootstrap import domains
from bootstrap.checkout import Checkout
from bootstrap.up import DOMAIN


def run(checkout: Checkout) -> None:
    """Destroy the domain with its machines and disks; that there is none is fine."""
    if DOMAIN in domains.known(checkout) or domains.is_soop_installed(checkout):
        domains.destroy(checkout, DOMAIN)
    else:
        print(f"there is no domain {DOMAIN}")

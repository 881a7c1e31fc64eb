"""Removes everything that was made on this machine from this checkout."""

from __future__ import annotations

import shutil

from bootstrap import down, step
from bootstrap.checkout import Checkout
from bootstrap.root_access import as_root
from bootstrap.trouble import Trouble

MADE_HERE = (
    ".venv",
    ".toolchain",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "soop_components.egg-info",
)


def run(checkout: Checkout) -> None:
    """Destroy the domains, then remove machines, images, state and everything installed into the checkout."""
    for domain in down.domains(checkout):
        down.destroy(checkout, domain)
    if checkout.home.exists():
        if checkout.images.exists() and any(checkout.images.iterdir()):
            remove = as_root(["rm", "-rf", "--one-file-system", "--", checkout.images, checkout.home / "machines"])
            step.run("removing images and machines", remove, checkout.logs / "clean.log")
        shutil.rmtree(checkout.home, ignore_errors=True)
    if checkout.home.exists():
        raise Trouble(f"{checkout.home} could not be removed")
    for name in MADE_HERE:
        shutil.rmtree(checkout.root / name, ignore_errors=True)

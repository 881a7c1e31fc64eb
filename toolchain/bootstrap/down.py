"""Takes the domain down again."""

from __future__ import annotations

import subprocess

from bootstrap import shell_environment
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from bootstrap.up import DOMAIN


def run(checkout: Checkout) -> None:
    """Destroy the domain with its machines and disks; that there is none is fine."""
    destroy(checkout, DOMAIN)


def destroy(checkout: Checkout, domain: str) -> None:
    """Destroy one domain of this checkout, if its state knows it."""
    if domain not in domains(checkout):
        print(f"there is no domain {domain}")
        return
    argv = [str(checkout.venv / "bin" / "soop"), "destroy", "--yes", domain]
    code = subprocess.run(argv, cwd=checkout.root, env=shell_environment.complete(checkout), check=False).returncode
    if code:
        raise Trouble(f"`soop destroy {domain}` failed", code)


def domains(checkout: Checkout) -> list[str]:
    """Return the domains in this checkout's own state."""
    stacks = (checkout.home / "state" / ".pulumi" / "stacks").glob("*/*.json")
    return sorted(stack.stem for stack in stacks)

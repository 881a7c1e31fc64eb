"""The domains in this checkout's own state."""

from __future__ import annotations

import json
from pathlib import Path

from bootstrap import foreground
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble

OURS = ("soop:", "pulumi:")
"""Types of resources that are on this machine, or nowhere but in the state."""


def known(checkout: Checkout) -> list[str]:
    """Return the names of all domains."""
    return sorted(_states(checkout))


def lies_elsewhere(checkout: Checkout, domain: str) -> bool:
    """Tell whether the domain has resources that do not go away with this machine's files."""
    checkpoint = json.loads(_states(checkout)[domain].read_text()).get("checkpoint") or {}
    resources = (checkpoint.get("latest") or {}).get("resources") or []
    return any(not resource["type"].startswith(OURS) for resource in resources)


def destroy(checkout: Checkout, domain: str) -> None:
    """Destroy the domain with its machines and disks."""
    if not (checkout.venv / "bin" / "soop").exists():
        raise Trouble(f"{domain} cannot be destroyed before soop is installed: run `make setup`")
    foreground.must(checkout, ["soop", "destroy", "--yes", domain])


def _states(checkout: Checkout) -> dict[str, Path]:
    return {path.stem: path for path in (checkout.home / "state" / ".pulumi" / "stacks").glob("*/*.json")}

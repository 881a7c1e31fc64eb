"""The domains in this checkout's own state, .soop/state."""

from __future__ import annotations

import json
from pathlib import Path

from bootstrap import foreground
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.machines.host import HOST

OURS = ("soop:", "pulumi:")
"""Types of resources that are on this machine, or nowhere but in the state; all of them but Hosts."""


def known(checkout: Checkout) -> list[str]:
    """Return the names of the domains, in order."""
    return sorted(_states(checkout))


def lies_elsewhere(checkout: Checkout, domain: str) -> bool:
    """Return whether the domain has resources that do not go away with this machine's files."""
    checkpoint = json.loads(_states(checkout)[domain].read_text()).get("checkpoint") or {}
    resources = (checkpoint.get("latest") or {}).get("resources") or []
    types = {resource["type"] for resource in resources}
    return HOST in types or any(not each.startswith(OURS) for each in types)


def destroy(checkout: Checkout, domain: str) -> None:
    """Destroy the domain with its machines and disks; a domain that is not deployed is destroyed already."""
    if not is_soop_installed(checkout):
        raise Trouble(f"{domain} cannot be destroyed before soop is installed: run `make setup`")
    foreground.must(checkout, ["soop", "destroy", "--yes", domain])


def is_soop_installed(checkout: Checkout) -> bool:
    """Return whether the ``soop`` of this checkout can be run."""
    return (checkout.venv / "bin" / "soop").exists()


def _states(checkout: Checkout) -> dict[str, Path]:
    return {path.stem: path for path in (checkout.state / ".pulumi" / "stacks").glob("*/*.json")}

"""The domains of this checkout."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from bootstrap import foreground
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.setup import shell_environment

OURS = ("soop:", "pulumi:")
"""Types of resources that are on this machine, or nowhere but in the state."""


def known(checkout: Checkout) -> list[str]:
    """Return the names of all domains in this checkout's own state."""
    return sorted(_states(checkout))


def exists(checkout: Checkout, domain: str) -> bool:
    """Tell whether the state has the domain, wherever Pulumi.yaml says that the state lies."""
    if not shell_environment.keeps_state_elsewhere(checkout):
        return domain in known(checkout)
    if not (checkout.venv / "bin" / "soop").exists():
        raise Trouble("whether there are domains cannot be told before soop is installed: run `make setup`")
    ask = ["pulumi", "stack", "ls", "--json"]
    environment = shell_environment.complete(checkout)
    answer = subprocess.run(ask, cwd=checkout.root, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise Trouble(f"the state does not tell its domains: {answer.stderr.strip()}")
    return any(stack["name"].rsplit("/", 1)[-1] == domain for stack in json.loads(answer.stdout))


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

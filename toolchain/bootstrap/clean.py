"""Removes everything that was made on this machine from this checkout."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from bootstrap import domains
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble
from soop_components.setup import step
from soop_components.setup.root_access import as_root

ROOT_HELPER = Path("soop_components/machines/local/root_helper")
NETWORKS = Path("/run/soop/networks.json")
"""Where the root helper notes the network of each realm on this machine, and the .soop folder it belongs to."""
CACHES = (".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "soop_components.egg-info")


def run(checkout: Checkout) -> None:
    """Remove machines and disks, base images, artifacts, state, and what was installed into the checkout."""
    for domain in domains.known(checkout):
        if domains.lies_elsewhere(checkout, domain):
            domains.destroy(checkout, domain)
    realms = machines_of(checkout)
    if realms:
        checkout.make_home()  # where somebody has removed it, machines may still run
        _remove_machines(checkout, realms)
    if checkout.home.exists():
        _remove_images(checkout)
        shutil.rmtree(checkout.home)
    for folder in (checkout.venv, checkout.built, *(checkout.root / name for name in CACHES)):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in list(checkout.root.rglob("__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)


def machines_of(checkout: Checkout) -> list[str]:
    """Return the realms that have left a folder here, or have a network although their folders are gone."""
    realms = {folder.name for kind in ("machines", "disks") for folder in (checkout.home / kind).glob("*")}
    if NETWORKS.is_file():
        home = str(checkout.home.resolve())
        networks = json.loads(NETWORKS.read_text()).values()
        realms |= {network["realm"] for network in networks if network["home"] == home}
    return sorted(realms)


def _remove_machines(checkout: Checkout, realms: Sequence[str]) -> None:
    """Let the root helper remove each realm."""
    for realm in realms:
        argv = as_root(["/usr/bin/python3", "-I", "-B", checkout.root / ROOT_HELPER, "clean"])
        request = json.dumps({"home": str(checkout.home.resolve()), "realm": realm})
        answer = subprocess.run(argv, input=request, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise Trouble(f"the machines of {checkout.home} could not be removed: {answer.stdout or answer.stderr}")


def _remove_images(checkout: Checkout) -> None:
    if checkout.images.exists() and any(checkout.images.iterdir()):
        remove = as_root(["rm", "-rf", "--one-file-system", "--", checkout.images])
        step.run("removing the base image", remove, checkout.logs / "clean.log")

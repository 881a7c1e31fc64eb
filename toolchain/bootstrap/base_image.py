"""The base image of local machines, built by images/debian_12.py as root."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path

from bootstrap import step
from bootstrap.checkout import Checkout
from bootstrap.root_access import as_root

NAME = "debian-12"


def ensure(checkout: Checkout) -> None:
    """Build the image when there is none, or when its recipe has changed and no machine was made from it."""
    made_from = checkout.images / f"{NAME}.made-from"
    wanted = hashlib.sha256(_recipe(checkout).read_bytes()).hexdigest()
    present = (checkout.images / f"{NAME}.json").is_file()
    if present and made_from.is_file() and made_from.read_text() == wanted:
        return
    if present and has_machines(checkout):
        print("the base image's recipe has changed; `make down` and `make up` put the machines on a new one")
        return
    made_from.unlink(missing_ok=True)
    owner = f"{os.getuid()}:{os.getgid()}"
    argv: step.Argv = [sys.executable, "-I", _recipe(checkout), checkout.images, owner]
    step.run("building the base image debian-12 (once; half a minute)", as_root(argv), checkout.logs / "image.log")
    made_from.write_text(wanted)


def has_machines(checkout: Checkout) -> bool:
    """Tell whether this checkout has machines, running or not; they keep only what differs from the image."""
    return any(checkout.home.glob("machines/*/*/*"))


def _recipe(checkout: Checkout) -> Path:
    return checkout.root / "images" / "debian_12.py"

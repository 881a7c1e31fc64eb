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
    """Build the image when there is none, or when its recipe has changed and no machine stands on it."""
    made_from = checkout.images / f"{NAME}.made-from"
    wanted = hashlib.sha256(_recipe(checkout).read_bytes()).hexdigest()
    present = (checkout.images / f"{NAME}.json").is_file()
    if present and made_from.is_file() and made_from.read_text() == wanted:
        return
    if present and in_use(checkout):
        print("the base image's recipe has changed; `make down` and `make up` put the machines on a new one")
        return
    made_from.unlink(missing_ok=True)
    owner = f"{os.getuid()}:{os.getgid()}"
    argv: step.Argv = [sys.executable, "-I", _recipe(checkout), checkout.images, owner]
    step.run("building the base image debian-12 (once; half a minute)", as_root(argv), checkout.logs / "image.log")
    made_from.write_text(wanted)


def in_use(checkout: Checkout) -> bool:
    """Tell whether a running machine has the image below its own disk."""
    image = str(checkout.images / NAME)
    return any(image in line for line in Path("/proc/mounts").read_text().splitlines())


def _recipe(checkout: Checkout) -> Path:
    return checkout.root / "images" / "debian_12.py"

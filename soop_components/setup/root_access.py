"""What only root may do: as it is when we are root, through sudo when we are not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from soop_components.errors import SoopError


def as_root(argv: Sequence[str | Path]) -> list[str | Path]:
    """Return ``argv`` so that root runs it; a missing right to do so is an error."""
    if os.geteuid() == 0:
        return list(argv)
    if shutil.which("sudo") is None:
        raise SoopError(
            "root is needed for packages and machines: install sudo and let yourself use it, or run this as root"
        )
    # The password, where one is needed, is asked for now and not in the middle of a step that shows no prompt.
    ask = ["sudo", "-v"] if sys.stdin.isatty() else ["sudo", "-n", "true"]
    if subprocess.run(ask, capture_output=not sys.stdin.isatty(), check=False).returncode:
        raise SoopError("sudo does not let you in without a password here: run this in a terminal, or as root")
    return ["sudo", "-n", *argv]

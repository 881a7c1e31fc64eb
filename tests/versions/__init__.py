"""Later versions of the shipped services, each as its difference from the one before: what a git tag would hold."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def make(root: Path, reference: str) -> None:
    """Make a service definition of a project the next version, ``access-service-3.2.4``."""
    environment = {**os.environ, "GIT_CEILING_DIRECTORIES": str(root.parent)}  # the project is no part of a repository
    subprocess.run(["git", "apply", str(HERE / f"{reference}.patch")], cwd=root, env=environment, check=True)

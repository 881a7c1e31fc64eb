"""``soop setup``: makes this computer ready for the project."""

from __future__ import annotations

import argparse
from typing import Any

from soop_components.cli.terminal import tell
from soop_components.project import Project
from soop_components.setup import base_image, setup_lock, shell_environment, system_packages

DESCRIPTION = """\
Makes this computer ready for the project: installs the system packages that local machines need (with apt, as root or
through sudo), builds their base image (once; half a minute), and writes .soop/env, with which pulumi and soop work in
a shell: `. .soop/env`. What is ready already is left alone.
"""


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "setup",
        help="make this computer ready for the project",
        description=DESCRIPTION,
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do what is missing."""
    project = Project.find()
    with setup_lock(project):
        system_packages.ensure(project, system_packages.MACHINES)
        base_image.ensure(project)
        shell_environment.ensure(project)
    tell("ready; in a shell: . .soop/env")
    return 0

"""``soop setup``: makes this computer ready for the project."""

from __future__ import annotations

import argparse

from soop_components.cli.terminal import say
from soop_components.project import Project
from soop_components.setup import base_image, setup_lock, shell_environment, system_packages

HELP = "make this computer ready for the project"
DESCRIPTION = """\
Makes this computer ready for the project: installs the system packages that local machines need (with apt, as root or
through sudo), builds their base image (once; half a minute), and writes .soop/env, with which pulumi and soop work in
a shell: `. .soop/env`. What is ready already is left alone.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""


def run(arguments: argparse.Namespace) -> int:
    """Do what is missing."""
    project = Project.find()
    with setup_lock(project):
        system_packages.ensure(project, system_packages.MACHINES)
        base_image.ensure(project)
        shell_environment.ensure(project)
    say("ready; in a shell: . .soop/env")
    return 0

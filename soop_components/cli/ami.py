"""``soop ami``: prints the newest images of Debian at AWS, for who pins them in an environment's file."""

from __future__ import annotations

import argparse

from soop_components.cli.terminal import say
from soop_components.deployment.environment_file import load_environment
from soop_components.errors import SoopError
from soop_components.machines.kinds import kind_of
from soop_components.project import Project

HELP = "print the newest images of Debian at AWS, for an environment's file"
DESCRIPTION = """\
Prints the newest image of each base that `aws: {images: …}` of an environment names, in the form in which that file
wants it. Nothing is changed: put an id there, and new machines are made of it; `soop replace` makes those anew that are
there. It needs AWS's credentials with the right ec2:DescribeImages.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("environment", metavar="ENVIRONMENT", help="its name, such as prod")


def run(arguments: argparse.Namespace) -> int:
    """Ask AWS, and print."""
    project = Project.find()
    path = project.environments / f"{arguments.environment}.yaml"
    if not path.is_file():
        raise SoopError(f"there is no {project.name_of(path)}")
    label = project.name_of(path)
    environment = load_environment(path, label)
    for image in kind_of(environment.machines).newest_images(environment):
        print(f"{image.base}: {image.id}    # {image.name}")
        if image.id != image.pinned:
            say(f"{label} has {image.pinned} for {image.base}")
    return 0

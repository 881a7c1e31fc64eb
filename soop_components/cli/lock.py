"""``soop lock``: chooses the exact Debian and Python packages of a service definition."""

from __future__ import annotations

import argparse

from soop_components.build.package_choice import LockChange, lock
from soop_components.build.service_source import read_source
from soop_components.cli.terminal import say_step
from soop_components.project import Project

HELP = "choose the Debian and Python packages of a service definition"
DESCRIPTION = """\
Resolves the Debian packages of each role, with all they depend on, against the base image, and the Python packages
of applications for its Python, and writes service.lock beside service.yaml. Commit it: `soop build` takes what is
locked and nothing else. Debian packages come from where this computer's apt gets its own, those of Python from where
its uv and pip do. Root is not needed, but the base image is: soop setup.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("definition", metavar="DEFINITION", help="its folder, service_defs/access-service, or its name")
    parser.add_argument("--refresh", action="store_true", help="choose every version anew, not only what is missing")


def run(arguments: argparse.Namespace) -> int:
    """Lock, and print what changed."""
    project = Project.find()
    source = read_source(project, arguments.definition)
    change = lock(project, source, say_step, refresh=arguments.refresh)
    for line in lines(change):
        print(line)
    return 0


def lines(change: LockChange) -> list[str]:
    """Return what changed in the lock, a package a line."""
    changed = [f"  {name}: {before or 'new'} -> {after or 'gone'}" for name, before, after in change.packages]
    if not change.is_new:
        return [f"{change.path}: {change.count} packages, as before"]
    return [f"{change.path}: {change.count} packages", *changed]

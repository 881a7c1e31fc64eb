"""``soop init``: begins a project."""

from __future__ import annotations

import argparse
from pathlib import Path

from soop_components.starter import begin

HELP = "begin a project in this folder"
DESCRIPTION = """\
Begins a project in this folder, or in FOLDER: one service definition, one domain, one environment, Pulumi.yaml and
__main__.py, the pinned requirement of soop, a script for continuous integration, schemas for editors. All of it is
yours to change; nothing that is there already is touched.
"""
NEXT = """
next:
  soop setup                  # this computer: packages, base image of the machines
  . .soop/env                 # pulumi and soop in this shell
  soop lock hello-service
  soop build hello-service
  soop deploy hello-service-0.1.0 dev-hello"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="where to; this folder if not given"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the project, and say what to do with it."""
    for name in begin(arguments.folder):
        print(name)
    print(NEXT)
    return 0

"""``soop init``: begins a project."""

from __future__ import annotations

import argparse
from pathlib import Path

from soop_components.starter import Template, begin, ci_kinds, templates

HELP = "begin a project in this folder"
DESCRIPTION = """\
Begins a project in this folder, or in FOLDER: one service definition, one domain, one environment, Pulumi.yaml and
__main__.py, the pinned requirement of soop, a script for continuous integration, schemas for editors. All of it is
yours to change; nothing that is there already is touched.

With --template, the service is another one: wordpress is a WordPress with its database, made of blocks of the library.

With --ci, it writes also what says on each pull request what it would do with the domains that it touches: a workflow
for GitHub, a pipeline for GitLab, or a hook for a bare repository. In a project that is there already, only that.
"""
NEXT = """
next:
  soop setup                  # this computer: packages, base image of the machines
  . .soop/env                 # pulumi and soop in this shell"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(), metavar="FOLDER", help="where to; this folder if not given"
    )
    names = templates()
    parser.add_argument("--template", choices=names, default=names[0], help=f"what it begins with ({names[0]})")
    parser.add_argument("--ci", choices=ci_kinds(), help="preview pull requests there")


def run(arguments: argparse.Namespace) -> int:
    """Write the project, and say what to do with it."""
    is_new = not (arguments.folder / "Pulumi.yaml").exists()
    for name in begin(arguments.folder, arguments.ci, arguments.template):
        print(name)
    if is_new:
        print(NEXT)
        for command in Template(arguments.template).commands:
            print(f"  {command}")
    return 0

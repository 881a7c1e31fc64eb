"""``soop verify``: checks every blob of the store."""

from __future__ import annotations

import argparse
from typing import Any

from soop_components.artifact.store import Store
from soop_components.errors import InvalidInput
from soop_components.project import Project


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "verify",
        help="check the size and digest of everything in the store",
        description="Checks size and digest of every blob of one artifact, or of all artifacts in the store.",
    )
    parser.add_argument("reference", metavar="REFERENCE", nargs="?", help="name and version; all if not given")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print a line per artifact, and fail if one is broken."""
    problems: list[str] = []
    for name, found in Store.of(Project.find()).verify(arguments.reference):
        print(f"{name}  {'broken' if found else 'good'}", flush=True)
        problems += [f"{name}: {problem}" for problem in found]
    if problems:
        advice = "build it again with soop build, or copy it again from where it came"
        raise InvalidInput(problems, advice)
    return 0

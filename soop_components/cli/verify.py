"""``soop verify``: checks every blob of the store."""

from __future__ import annotations

import argparse
import json

from soop_components.artifact.store import Store
from soop_components.errors import InvalidInput
from soop_components.project import Project

HELP = "check the size and digest of everything in the store"
DESCRIPTION = "Checks size and digest of every blob of one artifact, or of all artifacts in the store."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("reference", metavar="SERVICE-VERSION", nargs="?", help="only this one")
    parser.add_argument("--json", action="store_true", help="print a list of {reference, problems} as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print a line per artifact, and fail if one is broken."""
    found = Store.of(Project.find()).verify(arguments.reference)
    if arguments.json:
        rows = [{"reference": name, "problems": list(problems)} for name, problems in found]
        print(json.dumps(rows, indent=2))
        return 1 if any(row["problems"] for row in rows) else 0
    broken: list[str] = []
    names: list[str] = []
    for name, problems in found:
        names.append(name)
        print(f"{name}  {'broken' if problems else 'good'}", flush=True)
        broken += [f"{name}: {problem}" for problem in problems]
    if broken:
        advice = "build it again with soop build, or copy it again from where it came"
        raise InvalidInput(broken, advice)
    if not names:
        print("nothing is built yet; run: soop build DEFINITION")
    return 0

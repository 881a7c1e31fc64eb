"""``soop list``: lists the artifacts of the store."""

from __future__ import annotations

import argparse
import json

from soop_components.artifact.store import Store
from soop_components.project import Project

HELP = "list what is built"
DESCRIPTION = "Lists the artifacts of the store: name and version, when it came there, digest."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("--json", action="store_true", help="print a list of {reference, digest, stored} as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Print an artifact a line."""
    entries = Store.of(Project.find()).list()
    if arguments.json:
        rows = [
            {
                "reference": str(entry.reference),
                "digest": entry.digest,
                "stored": entry.stored.isoformat(timespec="seconds") if entry.stored else None,
            }
            for entry in entries
        ]
        print(json.dumps(rows, indent=2))
        return 0
    if not entries:
        print("nothing is built yet; run: soop build DEFINITION")
    width = max((len(str(entry.reference)) for entry in entries), default=0)
    for entry in entries:
        stored = entry.stored.astimezone().strftime("%Y-%m-%d %H:%M") if entry.stored else "missing         "
        print(f"{entry.reference!s:{width}}  {stored}  {entry.digest}")
    return 0

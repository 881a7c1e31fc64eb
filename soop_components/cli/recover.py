"""``soop recover``: clears what a killed deployment left behind."""

from __future__ import annotations

import argparse
from typing import Any

from soop_components.cli.terminal import tell
from soop_components.engine import Engine
from soop_components.engine.domains import stack_of
from soop_components.engine.recovery import recover
from soop_components.engine.turn import turn
from soop_components.project import Project

DESCRIPTION = """\
Clears what a killed deployment left in the domain's state: the lock of its dead process, and creations that were cut
off. `soop deploy` and `soop destroy` do this by themselves; it is there for those who call `pulumi up`.
"""


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "recover",
        help="clear what a killed deployment left behind",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("domain", metavar="DOMAIN")
    parser.add_argument(
        "--force",
        action="store_true",
        help="remove locks of living processes and of other hosts too; make sure first",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Recover one domain."""
    project = Project.find()
    engine = Engine(project)
    id = stack_of(engine, arguments.domain)
    with turn(project, id):
        if not recover(engine, id, tell, force=arguments.force):
            tell(f"{id}: nothing to recover")
    return 0

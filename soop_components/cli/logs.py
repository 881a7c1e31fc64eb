"""``soop logs``: shows what a service's units logged on a node."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from soop_components.engine import Engine
from soop_components.engine.node_access import find_node, journal_command, ssh_session
from soop_components.engine.process import run_in_terminal
from soop_components.project import Project


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "logs",
        help="show what a node's service logged",
        description="Shows what the systemd units of a node's service logged.",
    )
    parser.add_argument("node", metavar="NODE", help="its name, or the beginning of it; `soop status` lists them")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as more is logged; Ctrl-C ends it")
    parser.add_argument("-u", "--unit", action="append", default=[], help="this systemd unit instead (repeatable)")
    parser.add_argument("-n", "--lines", type=_positive, default=100, help="how many of the last lines (100)")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run journalctl on the node."""
    project = Project.find()
    engine = Engine(project)
    node, key = find_node(engine, arguments.node)
    command = journal_command(arguments.unit or node.units, arguments.lines, arguments.follow)
    with ssh_session(project, node, key) as argv:
        return run_in_terminal([*argv, shlex.join(command)], project.root, engine.environment)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a number of lines, not {text!r}")
    return int(text)

"""``soop logs``: shows what a service's units logged on a node."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence

from soop_components.engine import Engine
from soop_components.engine.nodes import find_node
from soop_components.engine.process import run_in_terminal
from soop_components.project import Project
from soop_components.transport.ssh_program import ssh_session

HELP = "show what a node's service logged"
DESCRIPTION = "Shows what the systemd units of a node's service logged."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("node", metavar="NODE", help="its name, or the beginning of it; `soop status` lists them")
    parser.add_argument("-f", "--follow", action="store_true", help="go on as more is logged; Ctrl-C ends it")
    parser.add_argument("-u", "--unit", action="append", default=[], help="this systemd unit instead (repeatable)")
    parser.add_argument("-n", "--lines", type=_positive, default=100, help="how many of the last lines (100)")


def run(arguments: argparse.Namespace) -> int:
    """Run journalctl on the node."""
    project = Project.find()
    engine = Engine(project)
    node = find_node(engine, arguments.node)
    command = journal_command(arguments.unit or node.units, arguments.lines, arguments.follow)
    with ssh_session(project, node.target, node.private_key) as argv:
        return run_in_terminal([*argv, shlex.join(command)], project.root, engine.environment)


def journal_command(units: Sequence[str], lines: int, follow: bool) -> list[str]:
    """Return the command that shows units' logs on a node; a unit's instances (``postgresql@15-main``) count as it."""
    chosen: list[str] = []
    for unit in units:
        stem, _, kind = unit.partition(".")
        instances = [] if "@" in stem else [f"{stem}@*.{kind or 'service'}"]
        chosen += [f"--unit={each}" for each in (unit, *instances)]
    return ["journalctl", "--no-pager", f"--lines={lines}", *(["--follow"] if follow else []), *chosen]


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"expected a number of lines, not {text!r}")
    return int(text)

"""``soop logs``: shows what a service logged on a node."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence

from soop_components.engine import Engine
from soop_components.engine.nodes import find_node
from soop_components.engine.process import run_in_terminal
from soop_components.project import Project
from soop_components.transport.ssh_program import on_node, ssh_session

HELP = "show what a node's service logged"
DESCRIPTION = """\
Shows what a node's service logged: what its systemd units wrote to the journal, then the log files that its components
name.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("node", metavar="NODE", help="its name, or the beginning of it; `soop status` lists them")
    parser.add_argument("-f", "--follow", action="store_true", help="show new lines as they come; Ctrl-C ends it")
    parser.add_argument("-u", "--unit", action="append", default=[], help="this systemd unit instead (repeatable)")
    parser.add_argument("-n", "--lines", type=_positive, default=100, help="how many of the last lines (100)")


def run(arguments: argparse.Namespace) -> int:
    """Run journalctl on the node."""
    project = Project.find()
    engine = Engine(project)
    node = find_node(engine, arguments.node)
    units, files = (arguments.unit, ()) if arguments.unit else (node.units, node.logs)
    command = logs_command(units, files, arguments.lines, arguments.follow)
    with ssh_session(project, node.target, node.private_key) as argv:
        return run_in_terminal(on_node(argv, node.target, command), project.root, engine.environment, harmless=True)


def logs_command(units: Sequence[str], files: Sequence[str], lines: int, follow: bool) -> str:
    """Return the shell command that shows units' logs on a node, and log files after or, if they grow, among them."""
    journal = shlex.join(journal_command(units, lines, follow))
    if not files:
        return journal
    tail = ["tail", "--verbose", f"--lines={lines}"]
    if follow:  # tail ends with the journal, or with the shell
        return f"{shlex.join([*tail, '-F'])} --pid=$$ -- {_words(files)} & {journal}; kill $!"
    return f"{journal}; code=$?; {shlex.join(tail)} -- {_words(files)}; exit $code"  # a file may not be there yet


def _words(files: Sequence[str]) -> str:
    """Return files as words of a shell, which finds those that a pattern names; all but ``*`` and ``?`` is quoted."""
    pieces = [re.split(r"([*?]+)", file) for file in files]
    words = [[each if odd % 2 else each and shlex.quote(each) for odd, each in enumerate(found)] for found in pieces]
    return " ".join(map("".join, words))


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

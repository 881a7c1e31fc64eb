"""``soop ssh``: opens a shell on a node, or runs a command there."""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from soop_components.engine import Engine
from soop_components.engine.node_access import find_node, ssh_session
from soop_components.engine.process import run_in_terminal
from soop_components.project import Project

DESCRIPTION = """\
Opens a shell on a node, or runs a command there and passes its exit code on. NODE is a node's name or the beginning of
it, if only one begins so: web-1, or web-1.access-service.dev-access. A command of one word is a line for the node's
shell ('journalctl -b | tail'); one of several words arrives there word for word.
"""


def register(verbs: Any) -> None:
    """Add the verb to the command line."""
    parser: argparse.ArgumentParser = verbs.add_parser(
        "ssh",
        help="open a shell on a node, or run a command there",
        description=DESCRIPTION,
    )
    parser.add_argument("node", metavar="NODE", help="its name, or the beginning of it; `soop status` lists them")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="instead of a shell")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run ssh in this terminal."""
    project = Project.find()
    engine = Engine(project)
    node, key = find_node(engine, arguments.node)
    words = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    command = words if len(words) < 2 else [shlex.join(words)]
    with ssh_session(project, node, key) as argv:
        return run_in_terminal([*argv, *command], project.root, engine.environment)

"""``soop ssh``: opens a shell on a node, or runs a command there."""

from __future__ import annotations

import argparse
import shlex

from soop_components.engine import Engine
from soop_components.engine.nodes import find_node
from soop_components.engine.process import run_in_terminal
from soop_components.project import Project
from soop_components.transport.ssh_program import on_node, ssh_session

HELP = "open a shell on a node, or run a command there"
DESCRIPTION = """\
Opens a shell on a node, or runs a command there and passes its exit code on. NODE is a node's name or the beginning of
it, if only one begins so: web-1, or web-1.access-service.dev-access. A command of one word is a line for the node's
shell ('journalctl -b | tail'); one of several words arrives there word for word.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("node", metavar="NODE", help="its name, or the beginning of it; `soop status` lists them")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="instead of a shell")


def run(arguments: argparse.Namespace) -> int:
    """Run ssh in this terminal."""
    project = Project.find()
    engine = Engine(project)
    node = find_node(engine, arguments.node)
    words = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    command = shlex.join(words) if len(words) > 1 else "".join(words)
    with ssh_session(project, node.target, node.private_key) as argv:
        return run_in_terminal(on_node(argv, node.target, command), project.root, engine.environment)

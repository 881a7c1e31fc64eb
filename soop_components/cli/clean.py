"""``soop clean``: removes every machine and disk on this host that was made from this checkout's state."""

from __future__ import annotations

import argparse
from collections.abc import Container

from soop_components.cli.terminal import confirmed, is_interactive, say
from soop_components.engine import Engine
from soop_components.errors import SoopError
from soop_components.machines.kinds import all_kinds
from soop_components.plugin import stop_idle_servers
from soop_components.project import Project

HELP = "remove all machines and disks that this checkout has on this host"
DESCRIPTION = """\
Removes all machines that were made on this host from this checkout's state, with their disks, data, networks and
processes, and forgets the domains they belonged to, whatever condition everything is in: it also works when the state
is gone. Other checkouts' machines stay, as do domains with machines elsewhere.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Remove machines first, then what the state still says of them."""
    project = Project.find()
    if not arguments.yes:
        if not is_interactive():
            raise SoopError("removing all machines on this host and their data must be confirmed", "soop clean --yes")
        if not confirmed("Remove all machines that this checkout has on this host, with their data?"):
            return 1
    stop_idle_servers(project.root)
    cleaned = {kind.name for kind in all_kinds() if kind.clean(project)}
    say("removed the machines and disks that this checkout had on this host")
    _forget(project, cleaned)
    return 0


def _forget(project: Project, cleaned: Container[str]) -> None:
    """Remove the stacks that had nothing but machines of the kinds that were cleaned."""
    if not project.state.is_dir():
        return
    engine = Engine(project)
    for id in engine.stacks():
        if (path := engine.damaged(id)) and engine.restore(id) is None:
            say(f"{id} stays: its state and all copies of it are damaged; to forget it, remove {path}")
            continue
        state = engine.state(id)
        left = () if state.machines in cleaned else (*(node.name for node in state.nodes), *state.disks)
        elsewhere = (*left, *state.elsewhere)
        if elsewhere:
            say(f"{id} stays: it has machines elsewhere, such as {elsewhere[0]}; soop destroy {id} removes them")
            continue
        if engine.locks(id):
            engine.cancel(id)
        engine.remove_stack(id, even_if_not_empty=True)
        say(f"forgot {id}")

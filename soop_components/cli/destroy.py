"""``soop destroy``: removes a domain's nodes."""

from __future__ import annotations

import argparse
import asyncio

from soop_components.cli.terminal import confirmed, is_interactive, say
from soop_components.deployment.domain_file import DomainFile
from soop_components.engine import Engine, StackState
from soop_components.engine.domains import domain_lock, unknown_domain
from soop_components.engine.recovery import recover
from soop_components.errors import SoopError
from soop_components.machines import Kind
from soop_components.machines.kinds import kind_of
from soop_components.model.names import NodeName, environment_of
from soop_components.plugin import stop_idle_servers
from soop_components.project import Project

HELP = "remove a domain's nodes"
DESCRIPTION = """\
Removes everything of one domain: its services, machines and disks. The domain definition stays, so that
`soop deploy` brings the domain back, without its data. Where disks are protected, by `protect_stateful` in the
environment or, at AWS and libvirt, always, it refuses unless --with-data is given. Existing hosts keep their data.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("domain", metavar="DOMAIN", help="its id, such as dev-access")
    parser.add_argument("--with-data", action="store_true", help="delete protected disks too")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Destroy one domain; one that is not deployed is destroyed already."""
    project = Project.find()
    engine = Engine(project)
    id = arguments.domain
    stacks = engine.stacks()
    if id not in stacks:
        if id not in project.domain_ids():
            raise unknown_domain(project, id, stacks)
        say(f"{id} is not deployed")
        return 0
    with domain_lock(project, id):
        recover(engine, id, say)
        state = engine.state(id)
        _refuse_protected(id, state, arguments.with_data)
        if not arguments.yes and not _agreed(id, state):
            return 1
        file = DomainFile(project, id)
        definition = file.read()
        code = engine.destroy(id, protected_too=arguments.with_data)
        if code == 0:
            _refuse_half(id, engine.state(id))
            _remove_snapshots(project, id, kind_of(state.machines))
            engine.remove_stack(id)
            file.restore(definition)  # the engine makes one where there was none
            stop_idle_servers(project.root)
            say(f"{id} is gone" + (f"; its definition stays in {file.label}" if definition else ""))
        return code


def _refuse_protected(id: str, state: StackState, with_data: bool) -> None:
    if state.protected and not with_data:
        disks = ", ".join(state.protected)
        raise SoopError(
            f"{id} has protected disks: {disks}", f"to delete their data too: soop destroy --with-data {id}"
        )


def _refuse_half(id: str, state: StackState) -> None:
    """See that all is deleted: the engine calls it a success when an interrupt has ended it before."""
    if state.resources:
        raise SoopError(
            f"{id} was interrupted before all was deleted: {state.resources} resources are left",
            f"to go on: soop destroy {id}",
        )


def _remove_snapshots(project: Project, id: str, kind: Kind) -> None:
    """Remove the snapshots of a domain that is gone, where they are not in its disks."""
    if not kind.has_snapshots:
        return
    operations = kind.operations(project)

    async def remove() -> None:
        for each in await operations.snapshots(environment_of(id)):
            if NodeName.parse(each.node).domain == id:
                await operations.remove_snapshot(each.node, each.label)

    try:
        asyncio.run(remove())
    except SoopError as error:
        say(f"if there were snapshots of {id}, they are left: {error.message}")


def _agreed(id: str, state: StackState) -> bool:
    """Ask; where nobody can answer, insist on --yes."""
    if not is_interactive():
        raise SoopError(f"destroying {id} must be confirmed", f"soop destroy --yes {id}")
    say(f"This removes {len(state.nodes)} nodes of {id}: {', '.join(node.name for node in state.nodes) or 'none'}")
    if state.disks:
        say(f"and the data on the disks of {', '.join(state.disks)}")
    return confirmed(f"Destroy {id}?")

"""``soop replace``: gives nodes new machines."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from soop_components.cli.status import show
from soop_components.cli.terminal import confirmed, is_interactive, say
from soop_components.engine import Engine
from soop_components.engine.domains import DomainStatus, domain_lock
from soop_components.engine.nodes import full_name
from soop_components.engine.planned_update import PlannedUpdate
from soop_components.engine.recovery import recover
from soop_components.engine.replacement import rounds
from soop_components.errors import SoopError
from soop_components.machines import REPLACE
from soop_components.model.names import NodeName
from soop_components.preview import as_text
from soop_components.project import Project

HELP = "give nodes new machines; their disks stay"
DESCRIPTION = """\
Makes the machines of nodes anew from their base image, and configures them again, as an upgrade does: batch after
batch in the order of the rollout, each node drained before. Disks, addresses and SSH host keys stay. NODE is a node's
name or the beginning of it, if only one begins so; a domain's id stands for all of its nodes.

Where an nginx of another service is in front of nodes, it stops sending to them before they are replaced, and begins
again afterwards. So there are several updates, one more than batches.

At AWS there is one update for each batch, in which new instances are made: addresses inside of the VPC and host keys
are new, Elastic IPs stay, and no hook drains a node before. So it is with virtual machines of libvirt, whose addresses
stay.

A node that does not answer is replaced as well. What is on a node and not on its disk is lost, unless the service
puts it there again.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("nodes", nargs="+", metavar="NODE", help="a node's name, or a domain's id for all its nodes")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--preview", action="store_true", help="only show what would change")
    how.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Update the domain of the nodes with new machines for them."""
    project = Project.find()
    names = _names(Engine(project), arguments.nodes)
    domains = sorted({NodeName.parse(name).domain for name in names})
    if len(domains) > 1:
        raise SoopError(f"these are nodes of {' and '.join(domains)}", "replace those of one domain at a time")
    id = domains[0]
    with domain_lock(project, id):
        update = PlannedUpdate.as_defined(project, id)
        asks = not arguments.yes and is_interactive()
        if arguments.preview or asks:
            with update.engine({REPLACE: " ".join(names)}) as planned:
                print(as_text(planned.preview()), flush=True)
        if arguments.preview:
            return 0
        if asks and not confirmed(f"Replace the machines of {', '.join(names)}?"):
            return 1
        engine = Engine(project)
        recover(engine, id, say)
        code = _replace(engine, update, names)
        if code == 0:
            show([DomainStatus(id, engine.state(id))])
        return code


def _replace(engine: Engine, update: PlannedUpdate, names: Sequence[str]) -> int:
    """Update the domain, several times where services in front of nodes are to leave these alone before."""
    id, avoided = update.file.id, ""
    for each in rounds(update, names, engine.state(id)):
        with each.update.engine({REPLACE: " ".join(each.replaced)}) as planned:
            code = planned.engine.up(id, only=each.only)
        if code:
            if avoided:
                say(f"services in front of {avoided} send nothing there until the next `pulumi up --stack {id}`")
            return code
        avoided = ", ".join(each.avoided)
        if avoided:
            say(f"services in front of {avoided} send nothing there until replaced, or `pulumi up --stack {id}`")
    return 0


def _names(engine: Engine, words: Sequence[str]) -> list[str]:
    """Return the full names of the nodes that are meant."""
    stacks = engine.stacks()
    asked = {id for word in words for id in stacks if word == id or word.endswith(f".{id}")}
    known = {id: [node.name for node in engine.state(id).nodes] for id in asked or stacks}
    nodes = [name for names in known.values() for name in names]

    def meant() -> Iterator[str]:
        for word in words:
            yield from known[word] if word in known else [full_name(word, nodes)]

    return list(dict.fromkeys(meant()))

"""``soop snapshot``: takes, lists, restores and removes snapshots of a domain's disks."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from soop_components.cli.terminal import confirmed, is_interactive, say, table
from soop_components.deployment.environment_file import environment_of_domain
from soop_components.engine import Engine, StackState
from soop_components.engine.domains import domain_lock, stack_of
from soop_components.engine.nodes import full_name
from soop_components.engine.recovery import recover
from soop_components.errors import SoopError
from soop_components.machines import Unsupported, no_snapshots
from soop_components.machines.kinds import kind_of
from soop_components.machines.snapshots import LABEL, Snapshot, Snapshots
from soop_components.model.names import NodeName, Reference, environment_of
from soop_components.model.size import size_text
from soop_components.project import Project
from soop_components.release.snapshots import newest_before

HELP = "take, list, restore or remove snapshots of disks"
DESCRIPTION = """\
`soop snapshot create dev-access` copies the disks of a domain, or of the nodes that are named, while it goes on:
writers wait until the copy is made. `list` shows what there is. `prune` removes all but the newest of each disk.

`soop snapshot restore dev-access LABEL --lose-data` puts a snapshot on the disks again. Machines stop for it, and what
was written since is lost. Without --lose-data it says what that would be, and changes nothing.

How many are kept, and how much room they may take, is said in the environment: `reliability: {snapshots: …}`.
"""
HEADING = ("NODE", "LABEL", "TAKEN", "SIZE", "OF")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", help="what to do")
    create = actions.add_parser("create", help="copy disks")
    listing = actions.add_parser("list", help="show what there is")
    restore = actions.add_parser("restore", help="put a snapshot on disks again")
    prune = actions.add_parser("prune", help="remove all but the newest of each disk")
    for each in (create, listing, restore, prune):
        each.add_argument("domain", metavar="DOMAIN", help="its id, such as dev-access")
    restore.add_argument("label", metavar="LABEL", help="one that `soop snapshot list` shows")
    for each in (create, restore, prune):
        each.add_argument("nodes", nargs="*", metavar="NODE", help="only the disks of these, such as database-1")
    create.add_argument(
        "--label", type=_label, help="what to call it; the time if not given. One of this name is replaced"
    )
    restore.add_argument("--lose-data", action="store_true", help="lose what was written since")
    prune.add_argument("--keep", type=int, metavar="N", help="how many; what the environment says if not given")
    for each in (restore, prune):
        each.add_argument("-y", "--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    """Carry out one action; all but ``list`` hold the domain's lock."""
    project = Project.find()
    engine = Engine(project)
    id = stack_of(engine, arguments.domain)
    if arguments.action == "list":
        found = asyncio.run(_snapshots(project, id, engine.state(id)).all())
        print(table([HEADING, *(_row(each) for each in found if NodeName.parse(each.node).domain == id)]))
        return 0
    with domain_lock(project, id):
        recover(engine, id, say)
        if arguments.action == "create":
            engine.refresh(id)  # what is kept is called what it is
        state = engine.state(id)
        snapshots = _snapshots(project, id, state)
        nodes = _nodes(id, state, arguments.nodes)
        if arguments.action == "create":
            return asyncio.run(_create(snapshots, state, nodes, arguments.label or _now()))
        if arguments.action == "prune":
            return asyncio.run(_prune(project, id, snapshots, nodes, arguments))
        return asyncio.run(_restore(id, state, snapshots, nodes, arguments))


def _snapshots(project: Project, id: str, state: StackState) -> Snapshots:
    kind = kind_of(state.machines)
    if not kind.has_snapshots:
        raise Unsupported(f"{id}: {no_snapshots(kind.name)}")
    settings = environment_of_domain(project, id).reliability.snapshots
    return Snapshots(kind.operations(project), environment_of(id), settings)


def _nodes(id: str, state: StackState, words: Sequence[str]) -> list[str]:
    if not state.disks:
        raise SoopError(f"{id}: no node has a disk")
    return sorted({full_name(word, state.disks) for word in words} or state.disks)


async def _create(snapshots: Snapshots, state: StackState, nodes: Sequence[str], label: str) -> int:
    spared = ways_back(state, await snapshots.all())
    await snapshots.check(nodes, label, spared)
    for node in nodes:
        made = await snapshots.take(node, label, *_what_ran(state, node), spare=spared.get(node))
        say(f"{node}: {label}, {size_text(made.size)}")
    return 0


def ways_back(state: StackState, found: Sequence[Snapshot]) -> dict[str, str]:
    """Return by node the label of what an update kept of the accepted version: one that was killed may be tried again,
    and needs it for its rollback.
    """
    accepted = [(Reference(each.service, each.version), each.digest) for each in state.releases if each.version]
    newest = [newest_before(reference, digest or "", found) for reference, digest in accepted]
    return {node: snapshot.label for of_release in newest for node, snapshot in of_release.items()}


def _what_ran(state: StackState, node: str) -> tuple[str, str]:
    """Return what a node runs, and its digest; nothing where it is not what was accepted."""
    release = next((each for each in state.releases if each.service == NodeName.parse(node).service), None)
    found = next((each for each in state.nodes if each.name == node), None)
    if release is None or found is None or release.version is None or release.version != found.version or found.drift:
        return "", ""
    return str(Reference(release.service, release.version)), release.digest or ""


async def _prune(
    project: Project, id: str, snapshots: Snapshots, nodes: Sequence[str], arguments: argparse.Namespace
) -> int:
    keep = arguments.keep
    if keep is None:
        keep = environment_of_domain(project, id).reliability.snapshots.keep
    if keep < 0:
        raise SoopError(f"--keep {keep}: expected how many to keep, 0 or more")
    going = await snapshots.beyond(nodes, keep)
    if not going:
        say(f"{id}: no disk has more than {keep}")
        return 0
    if not arguments.yes and is_interactive():
        print(table([HEADING, *map(_row, going)]))
        if not confirmed(f"Remove {len(going)} snapshots?"):
            return 1
    await snapshots.remove(going)
    for each in going:
        say(f"removed {each.label} of {each.node}")
    return 0


async def _restore(
    id: str, state: StackState, snapshots: Snapshots, nodes: Sequence[str], arguments: argparse.Namespace
) -> int:
    found = [each for each in await snapshots.all() if each.node in nodes and each.label == arguments.label]
    lacking = sorted(set(nodes) - {each.node for each in found}) if arguments.nodes or not found else []
    if lacking:
        hint = f"soop snapshot list {id} shows those there are"
        raise SoopError(f"{lacking[0]} has no snapshot {arguments.label}", hint)
    lost = [f"{each.node}: what was written in the last {_ago(each)} is lost" for each in found]
    if not arguments.lose_data:
        again = f"soop snapshot restore {id} {' '.join([arguments.label, *arguments.nodes])} --lose-data"
        raise SoopError("\n".join(lost), f"nothing was changed; if that is what you want: {again}")
    if not arguments.yes and is_interactive():
        say("\n".join(lost))
        if not confirmed(f"Restore {arguments.label}?"):
            return 1
    for each in found:
        await snapshots.restore(each.node, each.label)
        say(f"{each.node}: restored {each.label} of {_ago(each)} ago")
    _say_what_differs(id, state, found)
    return 0


def _say_what_differs(id: str, state: StackState, restored: Sequence[Snapshot]) -> None:
    """Say where a program runs on data that another version wrote."""
    for each in restored:
        service = NodeName.parse(each.node).service
        version = state.running(service)
        if version and each.of != str(Reference(service, version)):
            of = each.of or "a version that is not known"
            say(f"{each.node}: {Reference(service, version)} runs on the data of {of}; the next update migrates them")
            say(f"  pulumi up --stack {id}")


def _row(each: Snapshot) -> Sequence[str]:
    taken = f"{each.moment.astimezone():%Y-%m-%d %H:%M:%S}"
    return (NodeName.parse(each.node).short, each.label, taken, size_text(each.size), each.of)


def _ago(each: Snapshot) -> str:
    """Return how long ago one was taken, in words."""
    passed = max(datetime.now(UTC) - each.moment, timedelta())
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if passed.total_seconds() >= 2 * seconds:
            return f"{passed.total_seconds() / seconds:.0f} {unit}"
    return f"{passed.total_seconds():.0f} seconds"


def _label(word: str) -> str:
    if not LABEL.fullmatch(word):
        raise argparse.ArgumentTypeError(f"expected letters, digits, dots and hyphens, at most 200 (got {word!r})")
    return word


def _now() -> str:
    return f"{datetime.now():%Y-%m-%d-%H%M%S}"

"""``soop restart``: restarts what runs of a service, in the order of its rollout."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Sequence

from soop_components.cli.terminal import say
from soop_components.engine import Engine, StackState
from soop_components.engine.domains import domain_lock, stack_of
from soop_components.engine.nodes import full_name
from soop_components.engine.recovery import refuse_if_busy
from soop_components.errors import SoopError
from soop_components.model.names import did_you_mean
from soop_components.project import Project
from soop_components.release.cancellation import Cancellation
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.restart import Restart
from soop_components.release.runner_archive import RunnerArchive
from soop_components.release.sessions import Sessions

HELP = "restart a service: soop restart access-service dev-access"
DESCRIPTION = """\
Restarts the systemd services of a service, on all of its nodes or on those that are named, as an upgrade would pass
over them: in batches, with the hooks drain and undrain, health checks, watch and pause, and the smoke tests at the
end. It stops at the first failure. Sockets stay open. What is deployed does not change.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("service", metavar="SERVICE", help="its name without a version")
    parser.add_argument("domain", metavar="DOMAIN", help="its id, such as dev-access")
    parser.add_argument("nodes", nargs="*", metavar="NODE", help="only these: web-1; all of them if none is named")


def run(arguments: argparse.Namespace) -> int:
    """Find out what was accepted, and restart it."""
    project = Project.find()
    engine = Engine(project)
    id = stack_of(engine, arguments.domain)
    with domain_lock(project, id):
        refuse_if_busy(engine, id)
        release = accepted_release(engine.state(id, show_secrets=True), id, arguments.service)
        named = [full_name(name, release.nodes) for name in arguments.nodes]
        chosen = [name for name in release.nodes if not named or name in named]
        asyncio.run(_restart(release, chosen))
    count = "1 node" if len(chosen) == 1 else f"{len(chosen)} nodes"
    say(f"{id}: {release.reference} was restarted on {count}")
    return 0


def accepted_release(state: StackState, id: str, service: str) -> ReleaseInputs:
    """Return what was accepted of a service, with its secrets; ``SoopError`` if nothing was."""
    accepted = {release.service: release for release in state.releases if release.version}
    if service not in accepted:
        hint = did_you_mean(service, accepted) or f"there are {', '.join(accepted) or 'none'}"
        raise SoopError(f"{id}: no version of {service} was accepted", hint)
    release = accepted[service]
    return ReleaseInputs.parse({**release.inputs, "secrets": release.secrets, "privateKey": state.private_key})


async def _restart(release: ReleaseInputs, names: Sequence[str]) -> None:
    """Restart; the first Ctrl-C lets the batch that was begun come to its end."""
    cancellation = Cancellation()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, cancellation.request)
    sessions = Sessions(RunnerArchive.build())
    nodes = {
        name: Node(node.target, release.private_key, sessions, _Lines(f"{name}: "))
        for name, node in release.nodes.items()
    }
    await Restart(release, nodes, cancellation, _Lines()).run(names)


class _Lines:
    """Progress as lines, since nothing else is shown."""

    def __init__(self, label: str = "") -> None:
        self._label = label

    async def show(self, message: str) -> None:
        """Print it."""
        say(f"  {self._label}{message}")

    async def tell(self, message: str) -> None:
        """Print it, too."""
        await self.show(message)

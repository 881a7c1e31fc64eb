"""``soop rotate``: gives a domain a new SSH key and new generated secrets."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Mapping

from soop_components.cli.terminal import say
from soop_components.engine import Engine, StackState
from soop_components.engine.domains import domain_lock, stack_of
from soop_components.engine.planned_update import PlannedUpdate
from soop_components.engine.recovery import recover
from soop_components.errors import SoopError
from soop_components.machines import ROTATE_KEY
from soop_components.model.names import did_you_mean
from soop_components.preview.edits import edits
from soop_components.project import Project
from soop_components.transport.ssh import connect
from soop_components.waiting import wait_for_all

HELP = "give a domain a new SSH key and new generated secrets"
DESCRIPTION = """\
Makes new values of what is named, SERVICE.KEY or ssh-key; of the SSH key and all generated secrets if nothing is named.

No machine is made anew for an SSH key: all nodes accept the new one beside the old one, it is tried on each of them,
and only then the old one goes. New secrets reach the nodes as a new version does, and are rolled back if they are not
accepted. A secret that the domain gives itself is changed with `soop secret set`.

Nothing else changes, but that drift is repaired: where the domain definition or its environment differs from what
runs, or machines are gone or differ, nothing is done.
"""
_SSH_KEY = "ssh-key"
_PATIENCE = 10.0
"""Seconds that a node may take until the new key opens it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("domain", metavar="DOMAIN", help="its id, such as dev-access")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="ssh-key, or a secret: access-service.database_password"
    )


def run(arguments: argparse.Namespace) -> int:
    """Rotate the key, then all secrets in one update."""
    project = Project.find()
    engine = Engine(project)
    id = stack_of(engine, arguments.domain)
    with domain_lock(project, id):
        recover(engine, id, say)
        generated = engine.state(id).generated_secrets
        names = list(dict.fromkeys(arguments.names)) or [_SSH_KEY, *generated]
        secrets = [name for name in names if name != _SSH_KEY]
        for name in secrets:
            _must_be_generated(id, name, generated)
        update = PlannedUpdate.as_defined(project, id)
        _refuse_edits(update)
        if _SSH_KEY in names and (code := _rotate_key(update)):
            return code
        return _rotate_secrets(update, {name: generated[name] for name in secrets}) if secrets else 0


def _must_be_generated(id: str, name: str, generated: Mapping[str, str]) -> None:
    if name not in generated:
        given = f"a secret that the domain gives is changed with: soop secret set {name} {id}"
        raise SoopError(f"{id}: no secret {name} is generated", did_you_mean(name, generated) or given)


def _refuse_edits(update: PlannedUpdate) -> None:
    """Refuse to make along what the definition or environment asks for besides, or machines that are gone."""
    file = update.file
    with update.engine() as planned:
        found = list(edits(planned.preview()))
    if found:
        changes = "\n".join(f"  {line}" for line in found)
        raise SoopError(
            f"{file.id}: {file.label} or its environment is not what runs, or machines are gone or differ; "
            f"a rotation would make these changes along, so nothing was done:\n{changes}",
            f"make them first: pulumi up --stack {file.id}; or undo the edits, and rotate again",
        )


def _rotate_key(update: PlannedUpdate) -> int:
    """Add a key, try it on every node, and let the old one go; what was begun earlier is taken up again."""
    id = update.file.id
    for step in ("add", "switch"):
        with update.engine({ROTATE_KEY: step}) as planned:
            if code := planned.engine.up(id):
                say(f"{id}: its SSH key was not rotated; the one in use opens all nodes")
                return code
            if step == "add":
                asyncio.run(_try_next_key(id, planned.engine.state(id, show_secrets=True)))
    say(f"{id}: its SSH key was rotated")
    return 0


async def _try_next_key(id: str, state: StackState) -> None:
    """See that the new key opens every node."""
    key = state.next_key
    if key is None:
        raise SoopError(
            f"{id}: no new SSH key was made", f"the one in use stays; to try again: soop rotate {id} {_SSH_KEY}"
        )
    try:
        for connection in await wait_for_all(connect(node.target, key, _PATIENCE) for node in state.nodes):
            connection.abort()
    except SoopError as error:
        raise SoopError(
            f"the new SSH key does not open every node: {error.message}",
            f"the old one stays in use; to go on when the node is well: soop rotate {id} {_SSH_KEY}",
        ) from error


def _rotate_secrets(update: PlannedUpdate, urns: Mapping[str, str]) -> int:
    id = update.file.id
    with update.engine() as planned:
        code = planned.engine.up(id, replace=urns.values())
    outcome = "not rotated; the accepted values stay in use" if code else "rotated"
    say(f"{id}: {', '.join(urns)}: {outcome}")
    return code

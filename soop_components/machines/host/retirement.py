"""Takes a service off a machine that stays: packages, files, units, users and names; data stays."""

from __future__ import annotations

from typing import Any

from soop_components.model.names import NodeName
from soop_components.release.node import Node, Progress
from soop_components.release.runner_archive import RunnerArchive
from soop_components.release.sessions import Sessions
from soop_components.runner.typed_json import digest_of
from soop_components.transport.ssh import Target


async def retire(target: Target, private_key: str, patience: float, progress: Progress) -> None:
    """Make the node what a plan without anything says."""
    sessions = Sessions(RunnerArchive.build())
    node = Node(target, private_key, sessions, progress)
    try:
        await node.open(patience)
        await progress.show("taking the service off the host")
        await node.apply(_nothing(target.name), {}, {}, {}, None, ())
    finally:
        sessions.drop(target.name)


def _nothing(name: str) -> dict[str, Any]:
    """Return the document of a node on which nothing is."""
    node = NodeName.parse(name)
    document = {
        "format": 1,
        "service": node.service,
        "version": "0.0.0",
        "digest": f"sha256:{'0' * 64}",
        "role": node.role,
        "node": {"name": name, "role": node.role, "number": str(node.number)},
        "plan": {"packages": {}, "components": {}},
    }
    return {**document, "plan_digest": digest_of(document)}

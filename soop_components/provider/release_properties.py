"""What the resources that release services record of each of them, and what they compare."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from soop_components.provider.generated_secret import accepted_outputs
from soop_components.provider.wire import Properties, reveal
from soop_components.release.inputs import ReleaseInputs, ReleaseNode

TOGETHER = "together"
"""Input of a Release: the services that it is deployed together with, itself included."""
ACCEPTED = "accepted"
"""Output of a ReleaseGroup, by service; and input of each Release in it: what the group accepted."""
_NOT_COMPARED = {"privateKey", "generated", "imports", "machines", "snapshots", "loseData", TOGETHER, ACCEPTED}
"""What changes nothing on a node by itself: a new key pair, what is said of snapshots and losses, a group."""


def parsed(properties: Properties) -> ReleaseInputs:
    """Return the inputs of a Release as typed values, with secrets in plain text."""
    return ReleaseInputs.parse(reveal(properties))


def compared(properties: Properties) -> Properties:
    """Return the inputs that make a difference on nodes."""
    return {key: value for key, value in properties.items() if key not in _NOT_COMPARED}


def lost_disks(*before_and_after: Properties) -> list[str]:
    """Return the nodes whose disk goes, also where not all of an update is known yet."""
    nodes = [properties.get("nodes") for properties in before_and_after]
    if not all(isinstance(each, dict) for each in nodes):
        return []
    before, after = (
        {name for name, node in each["nodes"].items() if each["roles"][node["role"]].get("disk")}
        | set(each.get("keptDisks", ()))
        for each in before_and_after
    )
    return sorted(before - after)


def accepted_record(release: ReleaseInputs, wanted: Properties, before: Properties) -> Properties:
    """Return the outputs of a service that was accepted now; ``before`` are those there were."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    is_same = before.get("version") and before.get("digest") == release.digest
    return {
        **release.reference._asdict(),
        "digest": release.digest,
        "since": before.get("since", now) if is_same else now,
        "endpoints": release.endpoint_urls(),
        "status": {
            name: node_record(node, release.reference.version, release.digest, True, [])
            for name, node in release.nodes.items()
        },
        **accepted_outputs(wanted),
    }


def node_record(
    node: ReleaseNode, version: str | None, digest: str | None, healthy: bool, drift: list[str]
) -> dict[str, Any]:
    """Return what is recorded of one node."""
    what_runs = {"version": version, "digest": digest, "healthy": healthy, "drift": drift}
    return {"role": node.role, "address": node.target.address, **what_runs}

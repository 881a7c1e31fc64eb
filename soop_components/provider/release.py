"""``soop:index:Release``: one service of one domain, accepted as a whole or rolled back as a whole.

Its update covers all nodes of the service, since a verdict that is a later resource comes too late: the engine has
already recorded the new version by then.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from soop_components.errors import SoopError
from soop_components.machines import REPLACE, WITH_DATA
from soop_components.machines.kinds import kind_of
from soop_components.machines.snapshots import Snapshots
from soop_components.project import Project
from soop_components.provider.announcement import announcement
from soop_components.provider.diff import PropertyChange, differences
from soop_components.provider.generated_secret import accepted_inputs, accepted_outputs, used_secrets
from soop_components.provider.resource import Context, Created, DeployedArtifact, Difference, PartialFailure, Resource
from soop_components.provider.wire import UNKNOWN, Properties, has_unknown, reveal
from soop_components.release.disks import Disks
from soop_components.release.downgrade import downgrade, downgrade_in_words, upgrade_in_words
from soop_components.release.inputs import ReleaseInputs, ReleaseNode
from soop_components.release.node import Blobs, Node
from soop_components.release.rebuilding import Rebuilding
from soop_components.release.rollout import Rollout
from soop_components.release.runner_archive import RunnerArchive
from soop_components.release.session import Sessions
from soop_components.release.together import roll_out
from soop_components.release.verdict import ReleaseFailed
from soop_components.release.wording import drift_in_words, health_in_words, own_rollback_in_words
from soop_components.runner.protocol import NodeStatus

_STATUS_PATIENCE = 3.0
"""Seconds a node may be silent before a look at it goes on without it."""
_NOT_COMPARED = ("privateKey", "generated", "machines", "snapshots", "loseData")
_MOST = 50
"""Differences of a node that are recorded and shown, and characters of each."""
_LONGEST = 500


class ReleaseResource(Resource):
    """Inputs: ``ReleaseInputs``. Outputs: ``service``, ``version``, ``digest``, ``since``, ``endpoints``, ``status``,
    ``acceptedSecrets``.

    ``status`` says of each node what it runs (``version``, ``digest``), whether it is ``healthy``, in ``drift`` how it
    differs from what was accepted, and in ``note`` what else there is to know, current at the last look. Its deletion
    leaves the nodes alone: their machines are deleted next.
    """

    kind = "soop:index:Release"
    refresh_before_update = True

    def __init__(self) -> None:
        self._sessions = Sessions(RunnerArchive.build())

    def check(self, inputs: Properties) -> dict[str, str]:
        """Find roles of nodes that have no plan."""
        if has_unknown(inputs):
            return {}
        missing = {node["role"] for node in inputs["nodes"].values()} - set(inputs["roles"])
        return {"nodes": f"roles without a plan: {', '.join(sorted(missing))}"} if missing else {}

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Compare plans, and see what was found wrong on the nodes."""
        used = used_secrets(inputs, outputs, wanted)
        changes = differences(_compared(accepted_inputs(inputs, outputs)), _compared(used))
        nodes = wanted["nodes"]
        known = nodes if isinstance(nodes, dict) else {}  # the engine asks what a replaced machine means for us, too
        for name, node in outputs.get("status", {}).items():
            if name in known and node.get("drift"):
                changes[f'status["{name}"].drift'] = PropertyChange.UPDATED
        for name in _replaced(known):
            changes[f'nodes["{name}"].machine'] = PropertyChange.UPDATED
        if not outputs.get("version"):
            changes["version"] = PropertyChange.ADDED
        return Difference(changes, ("service",) if "service" in changes else ())

    def artifacts(self, properties: Properties) -> tuple[DeployedArtifact, ...]:
        """Return the one of its service; outputs name none before one was accepted."""
        names = [properties.get(key) for key in DeployedArtifact._fields]
        return (DeployedArtifact(*map(str, names)),) if all(names) else ()

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Show the version to come; health and time are known only afterwards."""
        known = {key: wanted[key] for key in ("service", "version", "digest")}
        return {**known, "since": UNKNOWN, "endpoints": UNKNOWN, "status": UNKNOWN}

    async def announce(self, context: Context, inputs: Properties, outputs: Properties, wanted: Properties) -> None:
        """Say what an update means, which disks no node has any more, which packages go, and why."""
        for name in _replaced(wanted["nodes"] if isinstance(wanted["nodes"], dict) else ()):
            await context.progress.of(_node_urn(context.urn, name)).warn("gets a new machine; its disk stays")
        for name in _lost_disks(inputs, wanted):
            text = (
                f"no node has the disk of {name} any more: an update deletes it with its data if {WITH_DATA}=1 is set"
            )
            await context.progress.warn(f"{text}, and else fails there")
        if not inputs.get("roles"):
            return
        if isinstance(wanted["nodes"], dict):
            changed = self.diff(inputs, outputs, wanted).changes
            for text in announcement(context.name, inputs, outputs, wanted, changed):
                await context.progress.tell(text)
        await _announce_schemas(context, _without_nodes(inputs), _without_nodes(wanted))
        if has_unknown(inputs) or has_unknown(wanted):
            return
        before, after = _parsed(inputs), _parsed(wanted)
        for text in await asyncio.to_thread(_going, before, after):
            await context.progress.warn(text)

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Configure all nodes for the first time; a failure is kept as partly initialised."""
        wanted = used_secrets({}, {}, wanted)
        release = _parsed(wanted)
        try:
            await self._roll_out(context, release, None)
        except ReleaseFailed as error:
            status = await self._look_at_all(context, release)
            outputs = {"service": release.reference.service, "status": status, "endpoints": {}}
            raise PartialFailure(str(error), id=context.name, outputs=outputs) from error
        return Created(context.name, {**_accepted(release), **accepted_outputs(wanted)})

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """Look at every node at once."""
        if not inputs or has_unknown(inputs):
            return outputs
        release = _parsed(accepted_inputs(inputs, outputs))
        current = {**outputs, "status": await self._look_at_all(context, release)}
        for name, node in current["status"].items():
            if node["drift"]:
                await context.progress.of(_node_urn(context.urn, name)).warn("; ".join(node["drift"][:5]))
        return current

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Roll out the new plan; on failure the nodes run the last good version again and nothing is recorded."""
        wanted = used_secrets(inputs, outputs, wanted)
        release = _parsed(wanted)
        previous = _parsed(accepted_inputs(inputs, outputs)) if inputs.get("roles") and outputs.get("version") else None
        await self._roll_out(context, release, previous)
        accepted = _accepted(release)
        if previous is not None and previous.digest == release.digest:
            accepted["since"] = outputs.get("since", accepted["since"])
        return {**accepted, **accepted_outputs(wanted)}

    async def _roll_out(self, context: Context, release: ReleaseInputs, previous: ReleaseInputs | None) -> None:
        replace = _replaced(release.nodes)
        blobs = _blobs(release)
        if previous and previous.digest != release.digest and (replace or previous.base != release.base):
            blobs = _either(blobs, _blobs(previous))  # for new machines that are rolled back
        nodes = self._nodes(context, release)
        before = self._nodes(context, previous) if previous else {}
        leaving = {name: node for name, node in before.items() if name not in nodes}
        disks = Disks(_snapshots(release))
        rebuilding = Rebuilding(release, nodes, blobs, kind_of(release.machines).operations(Project.find()), replace)
        watched = context.cancellation, context.progress
        rollout = Rollout(release, previous, nodes, leaving, blobs, *watched, rebuilding, disks=disks)
        await roll_out([rollout], context.progress)

    def _nodes(self, context: Context, release: ReleaseInputs) -> dict[str, Node]:
        return {
            name: Node(
                node.target, release.private_key, self._sessions, context.progress.of(_node_urn(context.urn, name))
            )
            for name, node in release.nodes.items()
        }

    async def _look_at_all(self, context: Context, release: ReleaseInputs) -> dict[str, dict[str, Any]]:
        nodes = self._nodes(context, release)
        found = await asyncio.gather(*(self._look(node, release) for node in nodes.values()))
        return dict(zip(nodes, found, strict=True))

    async def _look(self, node: Node, release: ReleaseInputs) -> dict[str, Any]:
        try:
            found = await node.status(_STATUS_PATIENCE)
        except SoopError as error:
            return _status(release.nodes[node.name], None, None, False, [error.message])
        drift = drift_of(found, release.documents[node.name]["plan_digest"], release)
        version, digest = (found.running.version, found.running.digest) if found.running else (None, None)
        status = _status(release.nodes[node.name], version, digest, found.healthy, drift)
        return {**status, "note": note} if (note := own_rollback_in_words(found)) else status


def drift_of(found: NodeStatus, expected: str, release: ReleaseInputs) -> list[str]:
    """Say in words how a node differs from what was accepted."""
    drift = [drift_in_words(difference) for difference in found.drift]
    running = found.running
    if running is None:
        if all(difference.kind != "apply" for difference in found.drift):
            drift.insert(0, f"does not run {release.reference}")
    elif running.plan_digest != expected:
        drift.insert(0, f"runs {running.reference} with another plan")
    elif not found.accepted:
        drift.insert(0, f"runs {release.reference}, which was not accepted")
    if not drift:
        drift += [health_in_words(problem, release.secrets.values()) for problem in found.health]
    shown = [text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…" for text in drift[:_MOST]]
    return shown + [f"{len(drift) - _MOST} more differences"] * (len(drift) > _MOST)


def _lost_disks(*before_and_after: Properties) -> list[str]:
    """Return the nodes whose disk goes, also where not all of an update is known yet."""
    nodes = [properties.get("nodes") for properties in before_and_after]
    if not all(isinstance(each, dict) for each in nodes):
        return []
    before, after = (
        {name for name, node in each["nodes"].items() if each["roles"][node["role"]].get("disk")}
        for each in before_and_after
    )
    return sorted(before - after)


def _replaced(nodes: Iterable[str]) -> list[str]:
    """Return the nodes whose machines are to be replaced."""
    asked = os.environ.get(REPLACE, "").split()
    return [name for name in nodes if name in asked]


async def _announce_schemas(context: Context, before: ReleaseInputs, after: ReleaseInputs) -> None:
    """Say what an update does to schemas; a downgrade to which nobody has agreed is refused."""
    for text in upgrade_in_words(before, after):
        await context.progress.warn(text)
    if going := downgrade(before, after):
        say = context.progress.tell if going.by == "programs" else context.progress.warn
        for text in downgrade_in_words(going):
            await say(text)


def _without_nodes(properties: Properties) -> ReleaseInputs:
    """Return what is known of a release in every preview."""
    without: Properties = {"nodes": {}, "neighbours": {}, "secrets": {}, "privateKey": ""}
    return ReleaseInputs.parse({**properties, **without})


def _parsed(properties: Properties) -> ReleaseInputs:
    return ReleaseInputs.parse(reveal(properties))


def _accepted(release: ReleaseInputs) -> Properties:
    return {
        **release.reference._asdict(),
        "digest": release.digest,
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "endpoints": release.endpoint_urls(),
        "status": {
            name: _status(node, release.reference.version, release.digest, True, [])
            for name, node in release.nodes.items()
        },
    }


def _status(
    node: ReleaseNode, version: str | None, digest: str | None, healthy: bool, drift: list[str]
) -> dict[str, Any]:
    what_runs = {"version": version, "digest": digest, "healthy": healthy, "drift": drift}
    return {"role": node.role, "address": node.target.address, **what_runs}


def _blobs(release: ReleaseInputs) -> Blobs:
    from soop_components.artifact.store import Store  # with all that reads artifacts, only where one is deployed

    artifact = Store(Project.find().store).open(release.reference)
    if artifact.digest != release.digest:
        raise SoopError(
            f"{release.reference} in the store is {artifact.digest}, but {release.digest} is to be deployed",
            "run `pulumi up` again: the store changed in between",
        )
    return artifact.blob_path


def _snapshots(release: ReleaseInputs) -> Snapshots | None:
    """Return the snapshots of a release's disks; None if it has none."""
    if not any(role.disk for role in release.roles.values()):
        return None
    kind = kind_of(release.machines)
    return Snapshots(kind.operations(Project.find()), release.environment, release.snapshots)


def _either(first: Blobs, second: Blobs) -> Blobs:
    """Return the blobs of two artifacts."""

    def path(digest: str) -> Path:
        try:
            return first(digest)
        except SoopError:
            return second(digest)

    return path


def _going(before: ReleaseInputs, after: ReleaseInputs) -> list[str]:
    """Return in words the packages that go since new ones exclude them."""
    from soop_components.release.package_changes import going  # only where packages are compared

    names = {role: plan.packages.keys() for role, plan in after.roles.items()}
    if all(plan.packages.keys() <= names.get(role, set()) for role, plan in before.roles.items()):
        return []
    return list(going(before.roles, after.roles, _either(_late(after), _late(before))))


def _late(release: ReleaseInputs) -> Blobs:
    """Return the blobs of an artifact that may be gone from the store."""
    return lambda digest: _blobs(release)(digest)


def _compared(properties: Properties) -> Properties:
    """Leave out what changes nothing on a node by itself: a new key pair, and what is said of snapshots and losses."""
    return {key: value for key, value in properties.items() if key not in _NOT_COMPARED}


def _node_urn(release_urn: str, node: str) -> str:
    """Return the URN of the component that stands for a node beside its release in Pulumi's display."""
    head, types, _ = release_urn.rsplit("::", 2)
    parent = types.rsplit("$", 1)[0]
    return f"{head}::{parent}$soop:index:Node::{node}"

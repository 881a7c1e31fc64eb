"""``soop:index:Release``: one service of one domain, accepted as a whole or rolled back as a whole.

Its update covers all nodes of the service, since a verdict that is a later resource comes too late: the engine has
already recorded the new version by then.
"""

from __future__ import annotations

import asyncio
from typing import Any

from soop_components.errors import SoopError, shortened
from soop_components.machines import WITH_DATA
from soop_components.machines.kinds import kind_in
from soop_components.provider.announcement import announce
from soop_components.provider.diff import PropertyChange, differences
from soop_components.provider.generated_secret import accepted_inputs, accepted_outputs, used_secrets
from soop_components.provider.release_group import recorded, refuse_change_beside_group, used_by
from soop_components.provider.release_properties import (
    TOGETHER,
    accepted_record,
    compared,
    lost_disks,
    node_record,
    parsed,
)
from soop_components.provider.resource import Context, Created, DeployedArtifact, Difference, PartialFailure, Resource
from soop_components.provider.rollouts import Rollouts, node_urn, replaced
from soop_components.provider.wire import UNKNOWN, Properties, has_unknown
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.lost_disks import refuse_lost_disks
from soop_components.release.node import Node
from soop_components.release.together import roll_out
from soop_components.release.verdict import ReleaseFailed
from soop_components.release.wording import drift_in_words, health_in_words, own_rollback_in_words
from soop_components.runner.protocol import NodeStatus

_STATUS_PATIENCE = 3.0
"""Seconds a node may be silent before a look at it goes on without it; more where one is slow, ``_SHARE``."""
_SHARE = 30
"""A look may wait for this part of the time that a node may take to start."""
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

    def __init__(self, rollouts: Rollouts) -> None:
        self._rollouts = rollouts

    def check(self, inputs: Properties) -> dict[str, str]:
        """Find roles of nodes that have no plan."""
        if has_unknown(compared(inputs)):
            return {}
        missing = {node["role"] for node in inputs["nodes"].values()} - set(inputs["roles"])
        return {"nodes": f"roles without a plan: {', '.join(sorted(missing))}"} if missing else {}

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Compare plans, and see what was found wrong on the nodes."""
        changes = _changes(inputs, outputs, wanted)
        nodes = wanted["nodes"]
        known = nodes if isinstance(nodes, dict) else {}  # the engine asks what a replaced machine means for us, too
        for name, node in outputs.get("status", {}).items():
            if name in known and node.get("drift"):
                changes[f'status["{name}"].drift'] = PropertyChange.UPDATED
        for name in replaced(known):
            changes[f'nodes["{name}"].machine'] = PropertyChange.UPDATED
        if not outputs.get("version"):
            changes["version"] = PropertyChange.ADDED
        return Difference(changes, ("service",) if "service" in changes else ())

    def artifacts(self, properties: Properties) -> tuple[DeployedArtifact, ...]:
        """Return the one of its service, unless its group deploys it; outputs name none before one was accepted."""
        names = [properties.get(key) for key in DeployedArtifact._fields if TOGETHER not in properties]
        return (DeployedArtifact(*map(str, names)),) if names and all(names) else ()

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Show the version to come; health and time are known only afterwards."""
        known = {key: wanted[key] for key in ("service", "version", "digest")}
        unknown = dict.fromkeys(("since", "endpoints", "status"), UNKNOWN)
        return {**known, **unknown, **accepted_outputs(used_secrets({}, outputs, wanted))}

    async def announce(self, context: Context, inputs: Properties, outputs: Properties, wanted: Properties) -> None:
        """Say what an update means, which disks no node has any more, which packages go, and why."""
        refuse_change_beside_group(inputs, outputs, wanted)
        is_known = bool(inputs.get("roles")) and isinstance(wanted["nodes"], dict)
        changed = self.diff(inputs, outputs, wanted).changes if is_known else None
        await announce(context, self._nodes, inputs, outputs, wanted, changed)

    def _nodes(self, context: Context, release: ReleaseInputs) -> dict[str, Node]:
        return self._rollouts.nodes(context, release)

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Configure all nodes for the first time; a failure is kept as partly initialised."""
        if TOGETHER in wanted:
            return Created(context.name, recorded(wanted))
        wanted = used_secrets({}, {}, wanted)
        release = parsed(wanted)
        try:
            await self._roll_out(context, release, None)
        except ReleaseFailed as error:
            status = await self._look_at_all(context, release)
            outputs = {"service": release.reference.service, "status": status, "endpoints": {}}
            raise PartialFailure(str(error), id=context.name, outputs=outputs) from error
        return Created(context.name, accepted_record(release, wanted, {}))

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """Look at every node at once."""
        if not inputs or has_unknown(inputs):
            return outputs
        release = parsed(accepted_inputs(inputs, outputs))
        current = {**outputs, "status": await self._look_at_all(context, release)}
        for name, node in current["status"].items():
            if node["drift"]:
                await context.progress.of(node_urn(context.urn, name)).warn("; ".join(node["drift"][:5]))
        return current

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Roll out the new plan; on failure the nodes run the last good version again and nothing is recorded.

        In a group, what is left to be done is to repair drift and to replace machines.
        """
        if TOGETHER in wanted and (not outputs.get("version") or _changes(inputs, outputs, wanted)):
            inputs, outputs = wanted, recorded(wanted)
            if not replaced(wanted["nodes"]):
                return outputs
        refuse_lost_disks(lost_disks(inputs, wanted), kind_in(wanted))
        wanted = used_by(inputs, outputs, wanted)
        release = parsed(wanted)
        previous = parsed(accepted_inputs(inputs, outputs)) if inputs.get("roles") and outputs.get("version") else None
        await self._roll_out(context, release, previous)
        return accepted_record(release, wanted, outputs)

    def holds_data(self, context: Context, inputs: Properties) -> SoopError | None:
        """Say that the service stays: its nodes are deleted after it."""
        nobody: Properties = {"nodes": {}}
        if not (lost := lost_disks(inputs, nobody)):
            return None
        return SoopError(
            f"{context.name}: its nodes stay, although the domain has it no more: there are data on {', '.join(lost)}",
            "put it back into the domain definition, under its name, if it was renamed; to delete it with its data: "
            f"soop deploy --with-data, or {WITH_DATA}=1",
        )

    async def _roll_out(self, context: Context, release: ReleaseInputs, previous: ReleaseInputs | None) -> None:
        await roll_out([self._rollouts.begin(context, release, previous, replaced(release.nodes))], context.progress)

    async def _look_at_all(self, context: Context, release: ReleaseInputs) -> dict[str, dict[str, Any]]:
        nodes = self._rollouts.nodes(context, release)
        found = await asyncio.gather(*(self._look(node, release) for node in nodes.values()))
        return dict(zip(nodes, found, strict=True))

    async def _look(self, node: Node, release: ReleaseInputs) -> dict[str, Any]:
        try:
            found = await node.status(max(_STATUS_PATIENCE, release.nodes[node.name].patience / _SHARE))
        except SoopError as error:
            return node_record(release.nodes[node.name], None, None, False, [error.message])
        drift = drift_of(found, release.plan_digest(node.name), release)
        version, digest = (found.running.version, found.running.digest) if found.running else (None, None)
        status = node_record(release.nodes[node.name], version, digest, found.healthy, drift)
        return {**status, "note": note} if (note := own_rollback_in_words(found)) else status


def _changes(inputs: Properties, outputs: Properties, wanted: Properties) -> dict[str, PropertyChange]:
    """Return how what is wanted differs from what was accepted."""
    return differences(compared(accepted_inputs(inputs, outputs)), compared(used_by(inputs, outputs, wanted)))


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
    shown = [shortened(text, _LONGEST) for text in drift[:_MOST]]
    return shown + [f"{len(drift) - _MOST} more differences"] * (len(drift) > _MOST)

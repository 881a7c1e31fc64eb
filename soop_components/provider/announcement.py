"""What an update of a Release means, in the words of `soop plan`, for Pulumi's own preview."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from soop_components.machines.kinds import kind_in
from soop_components.provider.release_properties import compared, lost_disks, parsed
from soop_components.provider.resource import Context
from soop_components.provider.rollouts import blobs_when_asked, either, node_urn, replaced, snapshots_of
from soop_components.provider.wire import Properties, has_unknown
from soop_components.release.downgrade import downgrade, downgrade_in_words, nodes_restored, upgrade_in_words
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.lost_disks import lost_disk_in_words, refuse_lost_disks
from soop_components.release.moves import refuse_moves
from soop_components.release.node import Node
from soop_components.release.schemas import rows_lost
from soop_components.release.snapshots import newest_of


async def announce(
    context: Context,
    nodes: Callable[[Context, ReleaseInputs], Mapping[str, Node]],
    inputs: Properties,
    outputs: Properties,
    wanted: Properties,
    changed: Collection[str] | None,
) -> None:
    """Show it with the Release and its nodes.

    ``nodes`` are those of a release, to be asked; ``changed`` are paths of what differs, None where that is not known.
    """
    for name in replaced(wanted["nodes"] if isinstance(wanted["nodes"], dict) else ()):
        await context.progress.of(node_urn(context.urn, name)).warn("gets a new machine; its disk stays")
    lost = lost_disks(inputs, wanted)
    refuse_lost_disks(lost, kind_in(wanted))
    for name in lost:
        await context.progress.warn(lost_disk_in_words(name, kind_in(wanted)))
    if not inputs.get("roles"):
        return
    for text in _in_words(context.name, inputs, outputs, wanted, changed) if changed is not None else ():
        await context.progress.tell(text)
    was_accepted = bool(outputs.get("version"))  # else an update does as for the first time
    if was_accepted:
        await _announce_schemas(context, _without_nodes(inputs), _without_nodes(wanted))
    if has_unknown(inputs) or has_unknown(compared(wanted)):
        return
    before, after = parsed(inputs), parsed(wanted)
    if was_accepted:
        await _announce_losses(context, nodes, before, after)
    for text in await asyncio.to_thread(_going, before, after):
        await context.progress.warn(text)


def _in_words(
    name: str, inputs: Properties, outputs: Properties, wanted: Properties, changed: Collection[str]
) -> list[str]:
    """Say what happens with the service, and with which nodes."""
    from soop_components.preview import ResourceStep, preview_of_steps  # only where something changes
    from soop_components.preview.resources import RELEASE
    from soop_components.preview.words import node_lines, service_in_words

    step = ResourceStep("update", RELEASE, name, inputs, outputs, wanted, tuple(changed))
    (service,) = preview_of_steps(name, [step]).services
    return [service_in_words(service), *node_lines(service.nodes)]


async def _announce_schemas(context: Context, before: ReleaseInputs, after: ReleaseInputs) -> None:
    """Say what an update does to schemas and data; refuse what cannot be, or to which nobody has agreed."""
    refuse_moves(before, after)
    for text in upgrade_in_words(before, after):
        await context.progress.warn(text)
    if going := downgrade(before, after):
        say = context.progress.tell if going.by == "programs" else context.progress.warn
        for text in downgrade_in_words(going):
            await say(text)


async def _announce_losses(
    context: Context,
    nodes: Callable[[Context, ReleaseInputs], Mapping[str, Node]],
    before: ReleaseInputs,
    after: ReleaseInputs,
) -> None:
    """Say which rows a downgrade loses; or which snapshots it puts on disks, and since when data is lost.

    Without a snapshot it is refused.
    """
    going, snapshots = downgrade(before, after), snapshots_of(after)
    if going and going.by == "migrations":
        for text in await rows_lost(before, going, nodes(context, before)):
            await context.progress.warn(text)
    restored = nodes_restored(before, after, going)
    if not restored or snapshots is None:
        return
    for name, found in newest_of(after, restored, await snapshots.all()).items():
        since = f"{found.moment.astimezone():%Y-%m-%d %H:%M:%S}"
        text = f"{name}: gets what the snapshot {found.label} kept; what was written since {since} is lost"
        await context.progress.of(node_urn(context.urn, name)).warn(text)


def _without_nodes(properties: Properties) -> ReleaseInputs:
    """Return what is known of a release in every preview."""
    without: Properties = {"nodes": {}, "neighbours": {}, "secrets": {}, "privateKey": ""}
    return ReleaseInputs.parse({**properties, **without})


def _going(before: ReleaseInputs, after: ReleaseInputs) -> list[str]:
    """Return in words the packages that go since new ones exclude them."""
    from soop_components.release.package_changes import going  # only where packages are compared

    names = {role: plan.packages.keys() for role, plan in after.roles.items()}
    if all(plan.packages.keys() <= names.get(role, set()) for role, plan in before.roles.items()):
        return []
    return list(going(before.roles, after.roles, either(blobs_when_asked(after), blobs_when_asked(before))))

"""How a node's machine is left: shut down if it was made for the node, else without all that is ours."""

from __future__ import annotations

from soop_components.errors import SoopError
from soop_components.machines.host.retirement import retire
from soop_components.machines.host.spec import Candidate, HostSpec
from soop_components.machines.host.visit import visit
from soop_components.provider.resource import Context
from soop_components.transport.ssh import Target

_GOING = 10.0
"""Seconds that a machine which is about to be deleted may take until it answers."""


async def power_off(context: Context, candidate: Candidate, key: str) -> None:
    """Shut a machine down that is deleted next; one that does not answer is gone, or will be."""
    try:
        async with visit(candidate.target(context.name), key, _GOING) as host:
            await host.ask("power_off")
    except SoopError as error:
        await context.progress.warn(f"was not shut down before it is deleted: {error.message}")


async def leave(context: Context, spec: HostSpec, candidate: Candidate, key: str) -> None:
    """Take all that is ours off a machine that stays."""
    target, listed = candidate.target(context.name), spec.named(candidate.name)
    if not await _may_leave(context, target, key, spec.patience):
        return
    async with visit(target, key, spec.patience) as host:
        users = (await host.ask("users_made"))["users"]
    await retire(target, key, spec.patience, context.progress)
    async with visit(target, key, spec.patience) as host:
        await host.ask("remove_users", users=users, mounts=spec.mounts)
        await host.ask("unmount")
        await host.ask("leave", node=context.name, user=candidate.user, mounts=spec.folders(listed or candidate))


async def _may_leave(context: Context, target: Target, key: str, patience: float) -> bool:
    """Return whether what is on a host may be taken off it, since nobody else has claimed it meanwhile."""
    try:
        async with visit(target, key, patience) as host:
            owner = (await host.ask("look", node=context.name, mounts=[]))["claim"]
    except SoopError as error:
        hint = f"when the host is gone for good: pulumi state delete '{context.urn}'"
        raise SoopError(f"{error.message}; so nothing is taken off the host", hint) from error
    if owner is not None and owner["node"] != context.name:
        await context.progress.warn(f"the host is left as it is: it belongs to {owner['node']}")
        return False
    return True

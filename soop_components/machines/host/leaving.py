"""How a node's machine is left: shut down if it was made for the node, else without all that is ours."""

from __future__ import annotations

from soop_components.errors import SoopError
from soop_components.machines.host.retirement import retire
from soop_components.machines.host.spec import Candidate, HostSpec
from soop_components.machines.host.taking import authorize
from soop_components.machines.host.visit import await_off, visit
from soop_components.provider.resource import Context
from soop_components.transport.ssh import LoginRefused

_SHARE = 30
"""A machine which is about to be deleted may take this part of its patience until it answers,"""
_GOING = 10.0
"""and at least so many seconds."""
_OFF = 120.0
"""Seconds that its services may take to end; or a third of its patience, where one is that slow."""


async def power_off(context: Context, spec: HostSpec, candidate: Candidate, key: str) -> None:
    """Shut a machine down that is deleted next; one that does not answer is gone, or will be."""
    going, off = max(_GOING, spec.patience / _SHARE), max(_OFF, spec.patience / 3)
    try:
        async with visit(candidate.target(context.name), key, going) as host:
            await host.ask("power_off")
    except SoopError as error:
        await context.progress.warn(f"was not shut down before it is deleted: {error.message}")
        return
    await context.progress.show("shutting down")
    if not await await_off(candidate.address, candidate.port, off):
        await context.progress.warn(f"has not shut down within {round(off)} seconds, and is deleted")


async def leave(context: Context, spec: HostSpec, candidate: Candidate, key: str) -> None:
    """Take all that is ours off a machine that stays; what was interrupted is taken up again."""
    target, listed = candidate.target(context.name), spec.named(candidate.name)
    try:
        if not await _is_ours(context, spec, candidate, key):
            return
        async with visit(target, key, spec.patience) as host:
            users = (await host.ask("users_made"))["users"]
    except SoopError as error:
        hints = [error.hint, f"when the host is gone for good: pulumi state delete '{context.urn}'"]
        raise SoopError(f"{error.message}; so nothing is taken off the host", "; ".join(filter(None, hints))) from error
    await retire(target, key, spec.patience, context.progress)
    async with visit(target, key, spec.patience) as host:
        await host.ask("remove_users", users=users, mounts=spec.mounts)
        await host.ask("unmount")
        if spec.firewall:
            await host.ask("remove_firewall", table=spec.firewall.table)
        await host.ask("leave", node=context.name, user=candidate.user, mounts=spec.folders(listed or candidate))


async def _is_ours(context: Context, spec: HostSpec, candidate: Candidate, key: str) -> bool:
    """Return whether a host is still the node's; if it is, the domain's key opens it.

    One that the key opens and nobody claims is left half-way: the key goes last.
    """
    target = candidate.target(context.name)
    try:
        async with visit(target, key, spec.patience) as host:
            owner = (await host.ask("look", node=context.name, mounts=[]))["claim"]
            is_ours = owner is None or owner["node"] == context.name
    except LoginRefused:
        if not spec.operator_login:
            raise
        async with visit(target, None, spec.patience) as host:
            owner = (await host.ask("look", node=context.name, mounts=[]))["claim"]
            is_ours = owner is not None and owner["node"] == context.name and owner["key"] in spec.keys
            if is_ours:
                await authorize(host, context.name, candidate, spec)
    if not is_ours:
        whose = f"belongs to {owner['node']}" if owner else "is claimed by nobody any more"
        await context.progress.warn(f"the host is left as it is: it {whose}")
    return bool(is_ours)

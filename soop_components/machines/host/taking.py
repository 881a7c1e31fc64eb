"""How a machine becomes a node's: visited, looked at, claimed, opened by the domain's key, and given its disks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import replace

from soop_components.errors import SoopError
from soop_components.machines.cloud_init import BOOTSTRAP
from soop_components.machines.host import HOST
from soop_components.machines.host.checks import unfit, unguardable
from soop_components.machines.host.firewall import Firewall
from soop_components.machines.host.spec import Candidate, HostSpec
from soop_components.machines.host.visit import Visit, visit
from soop_components.provider.resource import Context
from soop_components.transport.ssh import OtherHostKey, Target

_CLOUD_INIT = 900
"""Seconds that cloud-init may take."""
_ATTACHED = 120
"""Seconds until a disk shows itself."""
_ARMED = 60
"""Seconds after which new rules of a packet filter are taken back, unless somebody has connected anew."""


@asynccontextmanager
async def first_visit(context: Context, spec: HostSpec, candidate: Candidate, key: str) -> AsyncIterator[Visit]:
    """Connect to a machine that may not know the domain's key yet."""
    await context.progress.show(f"connecting to {candidate.address}")
    target = candidate.target(_label(context.name, candidate))
    try:
        async with visit(target, None if spec.operator_login else key, spec.patience) as host:
            yield host
    except OtherHostKey as error:
        if not spec.made_for_node:
            raise
        bootstrap = context.urn.replace(f"{HOST}::", f"{BOOTSTRAP}::")
        hint = (
            "if an update was killed when the machine had just made a host key of its own, nobody knows that one: let "
            f"the machine be made anew, pulumi up --replace '{bootstrap}'"
        )
        raise SoopError(error.message, hint) from error


async def claim(host: Visit, context: Context, spec: HostSpec, candidate: Candidate) -> str | None:
    """Claim a machine that fits; return who has it if it is somebody else."""
    await host.check_access()
    if spec.made_for_node:
        await context.progress.show("waiting for cloud-init")
        await host.ask("await_cloud_init", takes=_CLOUD_INIT, seconds=_CLOUD_INIT)
    ports = [*spec.firewall.ports] if spec.firewall else []
    found = await host.ask("look", node=context.name, mounts=spec.folders(candidate), ports=ports)
    owner = found["claim"]
    if owner is None:
        if problems := list(unfit(found, spec)):
            raise SoopError(f"{context.name}: the host does not fit: {'; '.join(problems)}")
        owner = await host.ask("claim", node=context.name, key=spec.keys[-1])
    ours = owner["node"] == context.name and owner["key"] in spec.keys
    return None if ours else str(owner["node"])


async def authorize(host: Visit, node: str, candidate: Candidate, spec: HostSpec) -> None:
    """Let the domain's keys log in, and nobody else on a machine that was made for the node."""
    await host.ask("authorize", node=node, user=candidate.user, keys=spec.keys, alone=spec.made_for_node)


async def make_ready(host: Visit, context: Context, spec: HostSpec, candidate: Candidate) -> None:
    """Let the domain's keys log in, and mount the node's disks."""
    await authorize(host, context.name, candidate, spec)
    disks = [{"mount": path, "device": candidate.disks[path]} for path in spec.mounts if path in candidate.disks]
    if disks:
        await context.progress.show("mounting its disks")
        await host.ask("mount", takes=_ATTACHED, disks=disks, seconds=_ATTACHED)


async def verify(
    context: Context, spec: HostSpec, candidate: Candidate, host_key: str, key: str, before: Target | None = None
) -> None:
    """See that the domain's key opens the machine, which shows this host key, and make it ready.

    ``before`` is the way in which it was reached until now. Its rules may let in only who comes by that one: where it
    is another one and answers still, it is the way to rules that let in who comes by the new one.
    """
    target = replace(candidate, host_key=host_key).target(context.name)
    if spec.firewall and before is not None and before != target:
        async with _if_it_answers(before, key, spec.patience) as host:
            if host is not None:
                await _settle(host, context, spec, candidate, target, key, is_new_way=False)
    async with visit(target, key, spec.patience) as host:
        await _settle(host, context, spec, candidate, target, key)


@asynccontextmanager
async def _if_it_answers(target: Target, key: str, patience: float) -> AsyncIterator[Visit | None]:
    async with AsyncExitStack() as stack:
        host = None
        with suppress(SoopError):
            host = await stack.enter_async_context(visit(target, key, patience))
        yield host


async def _settle(
    host: Visit,
    context: Context,
    spec: HostSpec,
    candidate: Candidate,
    target: Target,
    key: str,
    *,
    is_new_way: bool = True,
) -> None:
    """Make a machine ready that the domain's key opens, and that is to be reached as ``target`` says."""
    await host.ask("claim", node=context.name, key=spec.keys[-1])
    await make_ready(host, context, spec, candidate)
    if spec.firewall:
        await _guard(host, context, spec, spec.firewall, target, key, is_new_way)


async def _guard(
    host: Visit,
    context: Context,
    spec: HostSpec,
    firewall: Firewall,
    target: Target,
    key: str,
    is_new_way: bool,
) -> None:
    """Let nobody connect but who may; rules that let no new connection of ours in are taken back.

    A visit by a way that is not used any more may be the last one from there.
    """
    rules = firewall.rules(target.port)
    found = await host.ask("look_at_firewall", table=firewall.table, rules=rules)
    if found["kept"]:
        return
    if problems := list(unguardable(found if is_new_way else {**found, "caller": ""}, spec)):
        raise SoopError(f"{context.name}: the host cannot be guarded: {'; '.join(problems)}")
    await context.progress.show("closing its ports")
    await host.ask("arm_firewall", table=firewall.table, rules=rules, empty=firewall.empty, seconds=_ARMED)
    try:
        async with visit(target, key, spec.patience) as anew:
            await anew.ask("keep_firewall", table=firewall.table)
    except SoopError as error:
        message = f"{error.message}; the new rules of its packet filter are taken back"
        with suppress(SoopError):  # those that a lost connection leaves are taken back by the machine itself
            await host.ask("take_firewall_back")
        raise SoopError(message, "look at security.ssh_from, and at what is between here and the host") from error


def _label(node: str, candidate: Candidate) -> str:
    return node if candidate.name == node else f"{node} on {candidate.name}"

"""The custom resource ``soop:index:Host``."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import Any

from soop_components.errors import SoopError
from soop_components.machines import WITH_DATA
from soop_components.machines.host import HOST
from soop_components.machines.host.checks import unfit
from soop_components.machines.host.retirement import retire
from soop_components.machines.host.spec import Candidate, HostSpec
from soop_components.machines.host.visit import Visit, visit
from soop_components.provider.diff import PropertyChange, differences
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import UNKNOWN, Properties, has_unknown, reveal
from soop_components.transport.ssh import Target

_CLOUD_INIT = 900
"""Seconds that cloud-init may take."""
_ATTACHED = 120
"""Seconds until a disk shows itself."""
_LOOKING = 3.0
"""Seconds that a machine may be silent before a look at it goes on without it."""
_GOING = 10.0
"""Seconds that a machine which is about to be deleted may take until it answers."""


class HostResource(Resource):
    """A machine that our provider did not make, as a node: claimed, checked, opened by the domain's key.

    Inputs: ``privateKey`` (secret), the domain's; and ``spec``:

    * ``hosts``, in order of preference: ``{name, address, port, user, hostKey, disks}``, the last being devices by
      where they are mounted. The node gets the first that nobody has claimed, and keeps it as long as it is listed. A
      kind that makes machines lists one, named like the node.
    * ``disks``: ``{mount, size}`` of each. Its device, which may show itself some time later, is formatted if it is
      blank, mounted by UUID, and its file system grows with it. Without a device the data lies in a folder.
    * ``authorizedKey``: the domain's public keys, lines. ``operatorLogin``: the first login is by the keys of whoever
      runs the update, not by the domain's.
    * ``base``, ``memory``, ``cpus``: what the machine must be; one that is not is refused before it is changed.
    * ``patience``: seconds until it answers; 20 if not given.
    * ``madeForNode``: a kind has made the machine for this node. Then ``hostKey`` is a throw-away, given in user data,
      and is replaced after the first contact; cloud-init is awaited; deletion powers the machine off. Else deletion
      takes all that is ours off it, and leaves the machine and its data.
    * ``machine``: the id of the native machine, if there is one; another one is another Host.

    Outputs: ``place``, that is ``address``, ``port``, ``user``, ``hostKey``, ``patience`` if given; ``host``, the name
    of the machine out of ``hosts``; ``claimed``, false where a look found the claim gone. The name is the node's.
    """

    kind = HOST
    refresh_before_update = True

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Compare what concerns the machine that the node is on; another machine is another Host."""
        before, after = inputs["spec"], wanted["spec"]
        if has_unknown(after):
            changes = differences({"spec": before}, {"spec": after})
            machine = ("spec", "spec.machine") if "machine" in before else ()
            return Difference(changes, tuple(path for path in machine if path in changes))
        host = outputs["host"]
        changes = differences(_of_concern(before, host), _of_concern(after, host))
        named = {f"spec.{path}": change for path, change in changes.items()}
        if outputs.get("claimed") is False:
            named["claimed"] = PropertyChange.UPDATED
        if HostSpec.parse(after).named(host) is None:
            named["spec.hosts"] = PropertyChange.UPDATED
            return Difference(named, () if _keeps_data(after) else ("spec.hosts",))
        return Difference(named, ("spec.machine",) if "spec.machine" in named else ())

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the place of a node that has one."""
        if outputs:
            return {**{key: value for key, value in outputs.items() if key != "claimed"}, **wanted}
        return {**wanted, "place": UNKNOWN, "host": UNKNOWN}

    async def announce(self, context: Context, inputs: Properties, outputs: Properties, wanted: Properties) -> None:
        """Refuse to leave a machine that is not listed any more with the node's data on it."""
        _refuse_to_leave_data(context.name, outputs, wanted)

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Find a machine and make it ours; adopt one that an interrupted run has claimed."""
        spec, key = HostSpec.parse(wanted["spec"]), reveal(wanted["privateKey"])
        taken = []
        for candidate in spec.candidates:
            target = candidate.target(_label(context.name, candidate))
            await context.progress.show(f"connecting to {candidate.address}")
            async with visit(target, None if spec.operator_login else key, spec.patience) as host:
                owner = await _claimed(host, context, spec, candidate)
                if owner is not None:
                    taken.append(f"{candidate.name} belongs to {owner}")
                    continue
                await _authorize(host, context.name, candidate, spec)
                shown = candidate.host_key
                if spec.made_for_node:
                    shown = (await host.ask("fresh_host_key"))["hostKey"]
            return Created(context.name, await _verified(context, wanted, candidate, shown))
        raise SoopError(
            f"{context.name}: no host is free: {'; '.join(taken)}",
            "list another one in the environment's file, or take a node off one of these",
        )

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """See whether the machine is still the node's; whether it answers, its Release sees."""
        candidate = _recorded(outputs)
        with suppress(SoopError):
            async with visit(candidate.target(context.name), reveal(inputs["privateKey"]), _LOOKING) as host:
                owner = (await host.ask("look", node=context.name, mounts=[]))["claim"]
            if owner is None or owner["node"] != context.name:
                whose = f"belongs to {owner['node']}" if owner else "was claimed by nobody any more"
                await context.progress.warn(f"{outputs['host']} {whose}")
                return {**outputs, "claimed": False}
        return {key: value for key, value in outputs.items() if key != "claimed"}

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Let the keys log in that are wanted, and no others of ours."""
        _refuse_to_leave_data(context.name, outputs, wanted)
        spec = HostSpec.parse(wanted["spec"])
        candidate = spec.named(outputs["host"]) or _recorded(outputs)
        before = HostSpec.parse(inputs["spec"]).named(outputs["host"])
        same_key = spec.made_for_node and before is not None and before.host_key == candidate.host_key
        shown = outputs["place"]["hostKey"] if same_key else candidate.host_key
        return await _verified(context, wanted, candidate, shown)

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Power off a machine that was made for the node; take all that is ours off any other."""
        spec, key = HostSpec.parse(inputs["spec"]), reveal(inputs["privateKey"])
        candidate = _recorded(outputs)
        if spec.made_for_node:
            await _powered_off(context, candidate, key)
            return
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


async def _claimed(host: Visit, context: Context, spec: HostSpec, candidate: Candidate) -> str | None:
    """Claim a machine that fits; return who has it if it is somebody else."""
    await host.check_access()
    if spec.made_for_node:
        await context.progress.show("waiting for cloud-init")
        await host.ask("await_cloud_init", takes=_CLOUD_INIT, seconds=_CLOUD_INIT)
    found = await host.ask("look", node=context.name, mounts=spec.folders(candidate))
    owner = found["claim"]
    if owner is None:
        if problems := list(unfit(found, spec)):
            raise SoopError(f"{context.name}: the host does not fit: {'; '.join(problems)}")
        owner = await host.ask("claim", node=context.name, key=spec.keys[-1])
    ours = owner["node"] == context.name and owner["key"] in spec.keys
    return None if ours else str(owner["node"])


async def _authorize(host: Visit, node: str, candidate: Candidate, spec: HostSpec) -> None:
    """Let the domain's keys log in, and nobody else on a machine that was made for the node."""
    await host.ask("authorize", node=node, user=candidate.user, keys=spec.keys, alone=spec.made_for_node)


async def _verified(context: Context, wanted: Properties, candidate: Candidate, host_key: str) -> Properties:
    """See that the domain's key opens the machine, which shows this host key; return the Host's outputs."""
    spec, key = HostSpec.parse(wanted["spec"]), reveal(wanted["privateKey"])
    target = replace(candidate, host_key=host_key).target(context.name)
    async with visit(target, key, spec.patience) as host:
        await host.ask("claim", node=context.name, key=spec.keys[-1])
        await _authorize(host, context.name, candidate, spec)
        disks = [{"mount": path, "device": candidate.disks[path]} for path in spec.mounts if path in candidate.disks]
        if disks:
            await context.progress.show("mounting its disks")
            await host.ask("mount", takes=_ATTACHED, disks=disks, seconds=_ATTACHED)
    return {**wanted, "place": candidate.place(host_key, spec.patience), "host": candidate.name}


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


async def _powered_off(context: Context, candidate: Candidate, key: str) -> None:
    """Shut a machine down that is deleted next; one that does not answer is gone, or will be."""
    try:
        async with visit(candidate.target(context.name), key, _GOING) as host:
            await host.ask("power_off")
    except SoopError as error:
        await context.progress.warn(f"was not shut down before it is deleted: {error.message}")


def _keeps_data(spec: Properties) -> bool:
    """Return whether a node has data that may not be left behind."""
    return bool(spec.get("disks")) and not os.environ.get(WITH_DATA)


def _refuse_to_leave_data(name: str, outputs: Properties, wanted: Properties) -> None:
    spec = wanted["spec"]
    if not has_unknown(spec) and _keeps_data(spec) and HostSpec.parse(spec).named(outputs["host"]) is None:
        raise SoopError(
            f"{name}: the host {outputs['host']} is not listed any more, and the node's data are on it",
            "list it again in the environment's file; to go to another host without them: soop deploy --with-data, or "
            f"{WITH_DATA}=1",
        )


def _recorded(outputs: Properties) -> Candidate:
    """Return the machine that the node is on."""
    place = outputs["place"]
    return Candidate(outputs["host"], place["address"], place["hostKey"], place["port"], place["user"])


def _label(node: str, candidate: Candidate) -> str:
    return node if candidate.name == node else f"{node} on {candidate.name}"


def _of_concern(spec: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the part of a spec that concerns one machine."""
    return {**spec, "hosts": [each for each in spec["hosts"] if each["name"] == host]}

"""The custom resource ``soop:index:Host``."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import Any

from soop_components.errors import SoopError
from soop_components.machines import WITH_DATA, Operations
from soop_components.machines.host import HOST
from soop_components.machines.host.leaving import leave, power_off
from soop_components.machines.host.spec import Candidate, HostSpec
from soop_components.machines.host.taking import authorize, claim, first_visit, make_ready, verify
from soop_components.machines.host.visit import Visit, visit
from soop_components.machines.kinds import kind_of
from soop_components.project import Project
from soop_components.provider.diff import PropertyChange, differences
from soop_components.provider.resource import Context, Created, Difference, PartialFailure, Resource
from soop_components.provider.wire import UNKNOWN, Properties, has_unknown, reveal

_LOOKING = 3.0
"""Seconds that a machine may be silent before a look at it goes on without it."""
_FLAWS = ("claimed", "guarded", "running")
"""Outputs that are false where a look has found something gone."""


class HostResource(Resource):
    """A machine that our provider did not make, as a node: claimed, checked, opened by the domain's key.

    Inputs: ``privateKey`` (secret), the domain's; and ``spec``:

    * ``hosts``, in order of preference: ``{name, address, port, user, hostKey, disks, jump, inside}``; ``disks`` are
      devices by where they are mounted, ``jump`` is the place of the host through which it is reached, ``inside`` the
      address by which the domain's nodes reach it, where that is another one. The node gets the first
      that nobody has claimed, and keeps it as long as it is listed. A kind that makes machines lists one, named like
      the node.
    * ``disks``: ``{mount, size}`` of each. Its device, which may show itself some time later, is formatted if it is
      blank, mounted by UUID, and its file system grows with it. Without a device the data lies in a folder.
    * ``authorizedKey``: the domain's public keys, lines. ``operatorLogin``: the first login is by the keys of whoever
      runs the update, not by the domain's.
    * ``base``, ``memory``, ``cpus``: what the machine must be; one that is not is refused before it is changed.
    * ``patience``: seconds until it answers; 20 if not given.
    * ``madeForNode``: a kind has made the machine for this node. Then ``hostKey`` is a throw-away, given in user data,
      and is replaced after the first contact; cloud-init is awaited; deletion powers the machine off. Else deletion
      takes all that is ours off it, and leaves the machine and its data.
    * ``firewall``, where the machine itself is to let nobody connect but who may: ``{table, sshFrom, ports}``, the name
      of a table of nftables, networks that reach SSH, and networks by other ports. The domain's nodes reach all.
    * ``kind``: the kind of machines whose operations start the machine when it is off; nobody does if not given.
    * ``machine``: the id of the native machine, if there is one; another one is another Host.

    Outputs: ``place``, that is ``address``, ``port``, ``user``, ``hostKey``, and ``jump``, ``inside`` and ``patience``
    if given; ``host``, the name of the machine out of ``hosts``; ``claimed``, ``guarded`` and ``running``, false where
    a look found the claim or the firewall gone, or the machine off; ``ready``, false where a creation failed after the
    claim. The name is the node's.
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
        named |= {flaw: PropertyChange.UPDATED for flaw in _FLAWS if outputs.get(flaw) is False}
        if not _is_ready(outputs):
            named["ready"] = PropertyChange.UPDATED
        if HostSpec.parse(after).named(host) is None:
            named["spec.hosts"] = PropertyChange.UPDATED
            return Difference(named, () if _is_ready(outputs) and _keeps_data(after) else ("spec.hosts",))
        return Difference(named, ("spec.machine",) if "spec.machine" in named else ())

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the place of a node that has one."""
        if outputs:
            return {**{key: value for key, value in _without_flaws(outputs).items() if key != "ready"}, **wanted}
        return {**wanted, "place": UNKNOWN, "host": UNKNOWN}

    async def announce(self, context: Context, inputs: Properties, outputs: Properties, wanted: Properties) -> None:
        """Refuse to leave a machine that is not listed any more with the node's data on it."""
        _refuse_to_leave_data(context.name, outputs, wanted)

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Find a machine and make it ours; adopt one that an interrupted run has claimed."""
        spec, key = HostSpec.parse(wanted["spec"]), reveal(wanted["privateKey"])
        taken = []
        for candidate in spec.candidates:
            async with first_visit(context, spec, candidate, key) as host:
                owner = await claim(host, context, spec, candidate)
                if owner is None:
                    return Created(context.name, await self._finish(host, context, wanted, candidate))
                taken.append(f"{candidate.name} belongs to {owner}")
        raise SoopError(
            f"{context.name}: no host is free: {'; '.join(taken)}",
            "list another one in the environment's file, or take a node off one of these",
        )

    async def _finish(self, host: Visit, context: Context, wanted: Properties, candidate: Candidate) -> Properties:
        """Make a machine ready that is claimed, and return the Host's outputs.

        A failure is kept as partly initialised as soon as a creation cannot begin anew, since nobody else knows the new
        host key, or the claim and the domain's key would stay on a host of which no state knows.
        """
        spec, key, shown = HostSpec.parse(wanted["spec"]), reveal(wanted["privateKey"]), candidate.host_key
        if spec.made_for_node:
            await make_ready(host, context, spec, candidate)
            shown = (await host.ask("fresh_host_key"))["hostKey"]
        outputs = _outputs(wanted, candidate, shown)
        try:
            if not spec.made_for_node:
                await authorize(host, context.name, candidate, spec)
            await verify(context, spec, candidate, shown, key)
        except SoopError as error:
            raise PartialFailure(str(error), id=context.name, outputs={**outputs, "ready": False}) from error
        return outputs

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """See whether the machine is still the node's; whether it answers, its Release sees."""
        candidate = _recorded(outputs)
        with suppress(SoopError):
            async with visit(candidate.target(context.name), reveal(inputs["privateKey"]), _LOOKING) as host:
                firewall = HostSpec.parse(inputs["spec"]).firewall
                table = firewall.table if firewall else ""
                found = await host.ask("look", node=context.name, mounts=[], table=table)
            owner = found["claim"]
            if owner is None or owner["node"] != context.name:
                whose = f"belongs to {owner['node']}" if owner else "was claimed by nobody any more"
                await context.progress.warn(f"{outputs['host']} {whose}")
                return {**outputs, "claimed": False}
            if firewall and not found["guarded"]:
                await context.progress.warn(f"the rules of soop are gone from the packet filter of {outputs['host']}")
                return {**_without_flaws(outputs), "guarded": False}
            return _without_flaws(outputs)
        if await _is_off(context, HostSpec.parse(inputs["spec"])):
            await context.progress.warn("the machine is off; the next update starts it")
            return {**_without_flaws(outputs), "running": False}
        return _without_flaws(outputs)

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Let the keys log in that are wanted, and no others of ours."""
        _refuse_to_leave_data(context.name, outputs, wanted)
        spec, key = HostSpec.parse(wanted["spec"]), reveal(wanted["privateKey"])
        candidate = spec.named(outputs["host"]) or _recorded(outputs)
        if outputs.get("running") is False and (operations := _operations(spec)):
            await context.progress.show("starting the machine")
            await operations.start(context.name)
        was = HostSpec.parse(inputs["spec"])
        if spec.firewall:
            spec = replace(spec, firewall=spec.firewall.keeping(was.firewall))
        before = was.named(outputs["host"])
        same_key = spec.made_for_node and before is not None and before.host_key == candidate.host_key
        shown = outputs["place"]["hostKey"] if same_key else candidate.host_key
        if not _is_ready(outputs) and spec.operator_login:
            async with first_visit(context, spec, candidate, key) as host:
                if owner := await claim(host, context, spec, candidate):
                    raise SoopError(f"{context.name}: {candidate.name} belongs to {owner}")
                await authorize(host, context.name, candidate, spec)
        until_now = _recorded(outputs)
        is_same = (until_now.host_key, until_now.user) == (shown, candidate.user)
        await verify(context, spec, candidate, shown, key, until_now.target(context.name) if is_same else None)
        return _outputs(wanted, candidate, shown)

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Power off a machine that was made for the node; take all that is ours off any other."""
        spec, key = HostSpec.parse(inputs["spec"]), reveal(inputs["privateKey"])
        if spec.made_for_node and not await _is_off(context, spec):
            await power_off(context, spec, _recorded(outputs), key)
        elif not spec.made_for_node:
            await leave(context, spec, _recorded(outputs), key)


def _operations(spec: HostSpec) -> Operations | None:
    return kind_of(spec.kind).operations(Project.find()) if spec.kind else None


async def _is_off(context: Context, spec: HostSpec) -> bool:
    """Return whether a machine is known to be off."""
    operations = _operations(spec)
    with suppress(SoopError):  # nobody who could say it
        return operations is not None and await operations.is_off(context.name)
    return False


def _outputs(wanted: Properties, candidate: Candidate, host_key: str) -> Properties:
    """Return a Host's outputs on a machine, which shows this host key."""
    place = candidate.place(host_key, HostSpec.parse(wanted["spec"]).patience)
    return {**wanted, "place": place, "host": candidate.name}


def _is_ready(outputs: Properties) -> bool:
    """Return whether the Host's creation came to its end."""
    return outputs.get("ready") is not False


def _keeps_data(spec: Properties) -> bool:
    """Return whether a node has data that may not be left behind."""
    return bool(spec.get("disks")) and not os.environ.get(WITH_DATA)


def _refuse_to_leave_data(name: str, outputs: Properties, wanted: Properties) -> None:
    spec = wanted["spec"]
    if has_unknown(spec) or not _is_ready(outputs):
        return
    if _keeps_data(spec) and HostSpec.parse(spec).named(outputs["host"]) is None:
        raise SoopError(
            f"{name}: the host {outputs['host']} is not listed for it any more, and the node's data are on it",
            "list it again in the environment's file; to go to another host without them: soop deploy --with-data, or "
            f"{WITH_DATA}=1",
        )


def _recorded(outputs: Properties) -> Candidate:
    """Return the machine that the node is on."""
    place = outputs["place"]
    where = place["address"], place["hostKey"], place["port"], place["user"]
    return Candidate(outputs["host"], *where, jump=place.get("jump"), inside=place.get("inside", ""))


def _without_flaws(outputs: Properties) -> Properties:
    return {key: value for key, value in outputs.items() if key not in _FLAWS}


def _of_concern(spec: dict[str, Any], host: str) -> dict[str, Any]:
    """Return the part of a spec that concerns one machine."""
    return {**spec, "hosts": [each for each in spec["hosts"] if each["name"] == host]}

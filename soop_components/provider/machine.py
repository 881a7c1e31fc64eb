"""``soop:index:Machine``: a local machine."""

from __future__ import annotations

from typing import Any

from soop_components.machines import Attachment, MachineFacts, MachineSpec
from soop_components.machines.local import LocalMachines, new_host_key
from soop_components.model.size import bytes_of
from soop_components.project import Project
from soop_components.provider.diff import Change, differences
from soop_components.provider.resource import Context, Created, Difference, Measured
from soop_components.provider.wire import UNKNOWN, Properties

_FOUND = ("address", "port", "user", "hostKey", "running")
_REPLACES = ("image", "domain", "environment")


class MachineResource:
    """Inputs: ``domain``, ``environment``, ``image``, ``cpus``, ``memory`` (``512MiB``), ``authorizedKey``, ``disks``.

    Outputs: ``address``, ``port``, ``user``, ``hostKey`` (public key line), ``running``. The name is the node's.
    """

    kind = "soop:index:Machine"
    measured = True

    def check(self, inputs: Properties) -> dict[str, str]:
        """Trust the component that declares it: names and sizes come out of checked models."""
        return {}

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Compare what it was made to be with what is wanted; one that does not run needs a start."""
        changes = differences(inputs, wanted)
        if outputs.get("running") is False:
            changes["running"] = Change.UPDATED
        return Difference(changes, tuple(key for key in _REPLACES if key in changes))

    def foresee(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the address and host key of an existing machine; those of a new one are unknown."""
        if outputs:
            return {**outputs, **wanted, "running": True}
        return {**wanted, **dict.fromkeys(_FOUND, UNKNOWN)}

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make and start it; adopt one that an interrupted run left behind."""
        await context.progress.show("starting")
        facts = await _machines().create(_spec(context.name, wanted), new_host_key())
        return Created(context.name, {**wanted, **_found(facts)})

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Measured | None:
        """See whether it is there and runs."""
        facts = (await _machines().inspect([id])).get(id)
        if facts is None:
            return None
        if not facts.running:
            await context.progress.warn("the machine does not run; the next update starts it")
        return Measured({**outputs, **_found(facts)})

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Make it what is wanted, and start it if it does not run."""
        await context.progress.show("starting" if outputs.get("running") is False else "changing")
        facts = await _machines().create(_spec(id, wanted), new_host_key())
        return {**wanted, **_found(facts)}

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Remove it; its disks stay."""
        await context.progress.show("stopping")
        await _machines().destroy(id)


def _machines() -> LocalMachines:
    return LocalMachines(Project.find())


def _spec(name: str, wanted: Properties) -> MachineSpec:
    return MachineSpec(
        name=name,
        image=wanted["image"],
        authorized_keys=(wanted["authorizedKey"],),
        cpus=wanted["cpus"],
        memory=bytes_of(wanted["memory"]),
        disks=tuple(Attachment(disk["disk"], disk["mount"]) for disk in wanted["disks"]),
    )


def _found(facts: MachineFacts) -> dict[str, Any]:
    return {
        "address": facts.address,
        "port": facts.port,
        "user": facts.user,
        "hostKey": facts.host_key,
        "running": facts.running,
    }

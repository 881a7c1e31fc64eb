"""The custom resources of local machines: ``soop:index:Disk`` and ``soop:index:Machine``."""

from __future__ import annotations

from typing import Any

from soop_components.errors import SoopError
from soop_components.machines import WITH_DATA
from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.kind import KIND
from soop_components.machines.local.local_machines import DamagedMachine, LocalMachines, MachineFacts
from soop_components.machines.local.location import location_of, refuse_elsewhere
from soop_components.machines.local.root_helper.folders import Realm
from soop_components.machines.local.root_helper.request import Attachment, Opening, Spec
from soop_components.model.size import bytes_of
from soop_components.project import Project
from soop_components.provider.batched_lookup import BatchedLookup
from soop_components.provider.diff import PropertyChange, differences
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import UNKNOWN, Properties

_TO_DELETE = (
    "a node of the same name gets it again: where a role was renamed, rename it back to get the data; "
    "to keep it: `disks: {{ROLE: NUMBER}}` in the domain definition; "
    "to delete it: `soop deploy --with-data …`, {}=1, or `pulumi destroy --target '{}'`"
)


class DiskResource(Resource):
    """Input: ``size`` (``10GiB``). Output: ``location``. The name is that of the node it was made for."""

    kind = KIND.disk_type
    refresh_before_update = True

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """See a new size."""
        return Difference(differences(inputs, wanted))

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Show the wanted size."""
        return dict(wanted)

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make it; adopt one that an interrupted run left behind, with its data."""
        return Created(context.name, await _made_disk(context.name, wanted))

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """See whether it is there, and refuse one that is elsewhere."""
        machines = _machines()
        if await machines.inspect_disk(id) is None:
            refuse_elsewhere(id, outputs.get("location"), machines.realm, Realm.disk)
            return None
        return {**outputs, "location": location_of(machines.realm)}

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Let it grow; it never shrinks."""
        return await _made_disk(id, wanted)

    def holds_data(self, context: Context, inputs: Properties) -> SoopError:
        """Say that it stays."""
        kept = f"{context.name}: the disk stays with its data, although no node has it any more"
        return SoopError(kept, _TO_DELETE.format(WITH_DATA, context.urn))

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Remove it with its data."""
        await _machines().destroy_disk(id)


class MachineResource(Resource):
    """Input: ``spec``, that is ``image``, ``cpus``, ``memory`` (``512MiB``), ``authorizedKey``, ``disks``
    and, where other domains may connect to it, ``inbound``.

    Outputs: ``place``, that is ``address``, ``port``, ``user``, ``hostKey`` (public key line); ``image``, what it was
    made from; ``running``; ``location``. The name is the node's.
    """

    kind = KIND.machine_type
    refresh_before_update = True

    def __init__(self) -> None:
        self._looks = BatchedLookup(lambda names: _machines().inspect(names))

    def check(self, inputs: Properties) -> dict[str, str]:
        """Refuse a base image that is not here, before anything is changed."""
        spec = inputs.get("spec")
        image = spec.get("image") if isinstance(spec, dict) else None
        if not isinstance(image, str) or (Project.find().images / f"{image}.json").is_file():
            return {}
        return {"spec": f"there is no base image {image} on this host; make it with: soop setup {image}"}

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Compare what it was made to be with what is wanted; one that does not run needs a start.

        Its image is the one that it has, since that changes in the course of a Release.
        """
        changes = differences(_with_image(inputs, outputs), wanted)
        if outputs.get("running") is False:
            changes["running"] = PropertyChange.UPDATED
        return Difference(changes)

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Keep the place of an existing machine; that of a new one is unknown."""
        if outputs:
            return {**outputs, **wanted, "running": True}
        return {**wanted, "place": UNKNOWN, "running": UNKNOWN}

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make and start it; adopt one that an interrupted run left behind."""
        await context.progress.show("starting")
        return Created(context.name, await _made(context.name, wanted))

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """See whether it is there and runs, and refuse one that is elsewhere."""
        facts = await self._looks.get(id)
        if facts is None:
            refuse_elsewhere(id, outputs.get("location"), _machines().realm, Realm.machine)
            return None
        if isinstance(facts, DamagedMachine):
            await context.progress.warn(f"{facts.message}; the next update makes the machine anew, its disks stay")
            return None
        if isinstance(facts, SoopError):
            raise facts
        if not facts.running:
            await context.progress.warn("the machine does not run; the next update starts it")
        return {**outputs, **_found(facts)}

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Make it what is wanted, and start it if it does not run; a new image waits until the Release rebuilds it."""
        await context.progress.show("starting" if outputs.get("running") is False else "changing")
        return {**await _made(id, _with_image(wanted, outputs)), "spec": wanted["spec"]}

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Remove it; its disks stay."""
        await context.progress.show("stopping")
        await _machines().destroy(id)


def _machines() -> LocalMachines:
    return LocalMachines(Project.find())


async def _made_disk(name: str, wanted: Properties) -> Properties:
    """Make a disk what is wanted, and return its outputs."""
    machines = _machines()
    await machines.create_disk(name, bytes_of(wanted["size"]))
    return {**wanted, "location": location_of(machines.realm)}


async def _made(name: str, wanted: Properties) -> Properties:
    """Make a machine what is wanted, and return its outputs."""
    spec = wanted["spec"]
    machine = Spec(
        name=name,
        image=spec["image"],
        cpus=spec["cpus"],
        memory=bytes_of(spec["memory"]),
        authorized_keys=tuple(spec["authorizedKey"].splitlines()),
        disks=tuple(Attachment(disk["disk"], disk["mount"]) for disk in spec["disks"]),
        inbound=tuple(Opening(int(each["port"]), tuple(each["domains"])) for each in spec.get("inbound", ())),
    )
    return {**wanted, **_found(await _machines().create(machine, new_host_key()))}


def _with_image(inputs: Properties, outputs: Properties) -> Properties:
    """Return inputs with the image that the machine was made from, as far as that is known."""
    return {**inputs, "spec": {**inputs["spec"], "image": outputs.get("image", inputs["spec"]["image"])}}


def _found(facts: MachineFacts) -> dict[str, Any]:
    place = {"address": facts.address, "port": facts.port, "user": facts.user, "hostKey": facts.host_key}
    made = {"image": facts.spec.image, "running": facts.running}
    return {"place": place, **made, "location": location_of(_machines().realm)}

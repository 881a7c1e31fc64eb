"""``soop:index:Disk``: a disk that outlives the machine it is attached to."""

from __future__ import annotations

from soop_components.machines.local import LocalMachines
from soop_components.model.size import bytes_of
from soop_components.project import Project
from soop_components.provider.diff import differences
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import Properties


class DiskResource(Resource):
    """Input: ``size`` (``10GiB``). Output: the same. The name is that of the node it was made for."""

    kind = "soop:index:Disk"
    refresh_before_update = True

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """See a new size."""
        return Difference(differences(inputs, wanted))

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Show the wanted size."""
        return dict(wanted)

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make it; adopt one that an interrupted run left behind, with its data."""
        await _machines().create_disk(context.name, bytes_of(wanted["size"]))
        return Created(context.name, dict(wanted))

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """See whether it is there."""
        return None if await _machines().inspect_disk(id) is None else outputs

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Let it grow; it never shrinks."""
        await _machines().create_disk(id, bytes_of(wanted["size"]))
        return dict(wanted)

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Remove it with its data."""
        await _machines().destroy_disk(id)


def _machines() -> LocalMachines:
    return LocalMachines(Project.find())

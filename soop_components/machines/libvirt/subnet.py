"""The custom resource ``soop:index:Subnet``."""

from __future__ import annotations

from soop_components.errors import SoopError
from soop_components.machines.libvirt.addresses import SUBNET, allot, room
from soop_components.provider.diff import PropertyChange
from soop_components.provider.resource import Context, Created, Difference, Resource
from soop_components.provider.wire import Properties


class SubnetResource(Resource):
    """Inputs: ``network`` (``10.80.7.0/24``), ``nodes``. Outputs: ``network``, which stays what it was at first;
    ``addresses`` by node; ``last``, the number of the address that was given last. The name is the domain's.

    It exists in the state alone, which is what remembers the addresses.
    """

    kind = SUBNET

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """See nodes that come or go."""
        same = set(wanted["nodes"]) == set(outputs["addresses"])
        return Difference() if same else Difference({"nodes": PropertyChange.UPDATED})

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Give addresses as an update will."""
        return _allotted(context, outputs, wanted)

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Give the first nodes their addresses."""
        return Created(context.name, _allotted(context, {}, wanted))

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Give addresses to nodes that come."""
        return _allotted(context, outputs, wanted)


def _allotted(context: Context, outputs: Properties, wanted: Properties) -> Properties:
    network, nodes = (outputs or wanted)["network"], wanted["nodes"]
    if len(nodes) > room(network):
        raise SoopError(
            f"{context.name}: its network {network} has addresses for {room(network)} nodes, and it has {len(nodes)}",
            "put services into another domain",
        )
    addresses, last = allot(network, nodes, outputs.get("addresses", {}), int(outputs.get("last", 0)))
    return {**wanted, "network": network, "addresses": addresses, "last": last}

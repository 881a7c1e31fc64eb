"""Local machines as a program declares them; attributes carry the provider's own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from soop_components.machines import Infrastructure
from soop_components.machines.local.kind import KIND
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan


class Disk(pulumi.CustomResource):
    """A disk that outlives its machine; ``size`` such as ``10GiB``."""

    def __init__(self, name: str, size: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(KIND.disk_type, name, {"size": size}, opts)


class Machine(pulumi.CustomResource):
    """A local machine: what it must be, and where it is then.

    Each is one property: Pulumi's SDK keeps an output for every property of every resource, and a domain may have a
    thousand machines.
    """

    place: pulumi.Output[Mapping[str, Any]]

    def __init__(self, name: str, spec: Mapping[str, pulumi.Input[Any]], opts: pulumi.ResourceOptions) -> None:
        super().__init__(KIND.machine_type, name, {"spec": spec, "place": None}, opts)


class LocalInfrastructure(Infrastructure):
    """The machines of one domain."""

    def declare(self, node: NodePlan, image: str, parent: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
        """Declare a machine, and the disk that outlives it, of one node."""
        disks: list[dict[str, Any]] = []
        if node.disk is not None:
            disks.append({"disk": self.declare_disk(node.name, node.disk, parent), "mount": node.disk.mount})
        size = self.context.environment.sizes[node.size]
        others = [each for each in node.inbound if each.port and each.domains]
        spec = {
            "image": image,
            "cpus": size.cpus,
            "memory": size.memory,
            "authorizedKey": self.context.authorized_key,
            "disks": disks,
            # Nodes of one domain, and this host, reach each other in any case.
            **({"inbound": [{"port": each.port, "domains": [*each.domains]} for each in others]} if others else {}),
        }
        return Machine(node.name, spec, _options(parent)).place

    def declare_disk(self, name: str, disk: DiskDefinition, parent: pulumi.Resource) -> pulumi.Output[str]:
        """Declare a disk, which the environment may protect."""
        options = _options(parent, protect=self.context.environment.reliability.protect_stateful)
        return Disk(name, disk.size, options).id


def _options(parent: pulumi.Resource, protect: bool | None = None) -> pulumi.ResourceOptions:
    """Let the old one go before a new one comes, also when a user asks for a new one: both have one name."""
    return pulumi.ResourceOptions(parent=parent, protect=protect, delete_before_replace=True)

"""What the program of a domain of rented machines declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from soop_components.machines import DomainContext, Infrastructure
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan
from tests.rented import KIND, RentedEnvironment


class Network(pulumi.CustomResource):
    def __init__(self, name: str, account: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__("soop:index:Network", name, {"account": account}, opts)


class Volume(pulumi.CustomResource):
    def __init__(self, name: str, size: str, opts: pulumi.ResourceOptions) -> None:
        super().__init__(KIND.disk_type, name, {"size": size}, opts)


class Server(pulumi.CustomResource):
    ip: pulumi.Output[str]
    hostKey: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(KIND.machine_type, name, {**inputs, "ip": None, "hostKey": None}, opts)


class RentedInfrastructure(Infrastructure):
    def __init__(self, context: DomainContext) -> None:
        super().__init__(context)
        assert isinstance(context.environment, RentedEnvironment)
        self._environment = context.environment
        options = pulumi.ResourceOptions(parent=context.parent)
        self._network = Network(context.domain, context.environment.rented.account, options)

    def declare(self, node: NodePlan, image: str, parent: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
        inputs: dict[str, Any] = {"image": image, "key": self.context.authorized_key, "network": self._network.id}
        if node.disk is not None:
            inputs["volume"] = self.declare_disk(node.name, node.disk, parent)
        server = Server(node.name, inputs, pulumi.ResourceOptions(parent=parent))
        patience = self._environment.rented.patience
        return pulumi.Output.all(server.ip, server.hostKey).apply(
            lambda found: {"address": found[0], "hostKey": found[1], "patience": patience}
        )

    def declare_disk(self, name: str, disk: DiskDefinition, parent: pulumi.Resource) -> pulumi.Output[str]:
        protect = self._environment.reliability.protect_stateful
        return Volume(name, disk.size, pulumi.ResourceOptions(parent=parent, protect=protect)).id

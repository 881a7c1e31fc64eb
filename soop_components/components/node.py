"""A node: one machine of one service of one domain, and the disk that outlives it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import pulumi

from soop_components.components import custom_resources
from soop_components.model.environment import Environment
from soop_components.model.plan import NodePlan


class Node(pulumi.ComponentResource):
    """A node of a service; ``machine.place`` tells where it is once it exists.

    It registers no outputs of its own: with a thousand nodes, a call for each of them is what a preview waits for.
    """

    def __init__(
        self,
        plan: NodePlan,
        *,
        image: str,
        environment: Environment,
        authorized_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("soop:index:Node", plan.name, {}, opts)
        disks: list[dict[str, Any]] = []
        self.disk: custom_resources.Disk | None = None
        if plan.disk is not None:
            self.disk = custom_resources.Disk(
                plan.name, plan.disk.size, self._options(protect=environment.reliability.protect_stateful)
            )
            disks.append({"disk": self.disk.id, "mount": plan.disk.mount})
        size = environment.sizes[plan.size]
        spec = {
            "image": image,
            "cpus": size.cpus,
            "memory": size.memory,
            "authorizedKey": authorized_key,
            "disks": disks,
        }
        self.name = plan.name
        self.machine = custom_resources.Machine(plan.name, spec, self._options())

    def _options(self, protect: bool | None = None) -> pulumi.ResourceOptions:
        """Let the old one go before a new one comes, also when a user asks for a new one: both have one name."""
        return pulumi.ResourceOptions(parent=self, protect=protect, delete_before_replace=True)

    @cached_property
    def address(self) -> pulumi.Output[str]:
        """The address alone, for the releases of other services; made when it is asked for, being one more output."""
        return self.machine.place["address"]

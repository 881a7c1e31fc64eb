"""A node: one machine of one service of one domain, and the disk that outlives it."""

from __future__ import annotations

from functools import cached_property

import pulumi

from soop_components.machines import Infrastructure
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan


class Node(pulumi.ComponentResource):
    """A node of a service; ``place`` is where its machine is once it exists.

    It registers no outputs of its own: with a thousand nodes, a call for each of them is what a preview waits for.
    """

    def __init__(
        self, plan: NodePlan, *, image: str, infrastructure: Infrastructure, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("soop:index:Node", plan.name, {}, opts)
        self.name = plan.name
        self.place = infrastructure.declare(plan, image, self)

    @cached_property
    def address(self) -> pulumi.Output[str]:
        """The address by which other nodes reach it, for the releases of other services.

        It is made when it is asked for, being one more output.
        """
        return self.place.apply(lambda place: place.get("inside", place["address"]))


class KeptDisk(pulumi.ComponentResource):
    """The disk of a node that is gone, below a component of the node's name: the node has it if it comes back."""

    def __init__(
        self, name: str, disk: DiskDefinition, *, infrastructure: Infrastructure, opts: pulumi.ResourceOptions
    ) -> None:
        super().__init__("soop:index:Node", name, {}, opts)
        infrastructure.declare_disk(name, disk, self)

"""A Subnet as a program declares it; attributes carry the provider's own names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from soop_components.machines.libvirt.addresses import SUBNET


class Subnet(pulumi.CustomResource):
    """The addresses of a domain; ``network`` stays what it was at first."""

    network: pulumi.Output[str]
    addresses: pulumi.Output[Mapping[str, str]]

    def __init__(self, name: str, network: str, nodes: Sequence[str], opts: pulumi.ResourceOptions) -> None:
        super().__init__(SUBNET, name, {"network": network, "nodes": nodes, "addresses": None}, opts)

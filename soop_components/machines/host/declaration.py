"""A Host as a program declares it; attributes carry the provider's own names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi

from soop_components.machines.host import HOST
from soop_components.model.environment import MachineSize
from soop_components.model.service_plan import NodePlan

FIRST_START = 300
"""Seconds until a machine answers that has been made a moment ago."""


class Host(pulumi.CustomResource):
    """A machine made ready to be a node; ``soop_components/machines/host/resource.py`` says what ``spec`` holds."""

    place: pulumi.Output[Mapping[str, Any]]

    def __init__(
        self,
        name: str,
        spec: Mapping[str, pulumi.Input[Any]],
        private_key: pulumi.Input[str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        inputs = {"spec": spec, "privateKey": private_key, "place": None}
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(delete_before_replace=True))
        super().__init__(HOST, name, inputs, opts)


def made_for_node(
    node: NodePlan,
    size: MachineSize,
    base: str,
    *,
    address: pulumi.Input[str],
    inside: pulumi.Input[str] | None = None,
    host_key: pulumi.Input[str],
    device: pulumi.Input[str] | None,
    machine: pulumi.Input[str],
    authorized_key: pulumi.Input[str],
    firewall: Mapping[str, Any] | None = None,
    patience: int = FIRST_START,
    kind: str = "",
) -> dict[str, Any]:
    """Return the ``spec`` of a machine that a kind makes for a node.

    ``inside`` is the address for the domain's nodes, where it is another one; ``host_key`` is that of its Bootstrap,
    ``device`` shows the node's disk, ``machine`` tells its machines apart, ``firewall`` is what the machine itself
    shall see to, ``patience`` is how many seconds it may take until it answers, ``kind`` that of machines whose
    operations start it when it is off.
    """
    devices = {node.disk.mount: device} if node.disk and device is not None else {}
    listed = {"name": node.name, "address": address, "hostKey": host_key, "disks": devices}
    return {
        "hosts": [listed if inside is None else {**listed, "inside": inside}],
        "authorizedKey": authorized_key,
        "base": base,
        "cpus": size.cpus,
        "memory": size.memory,
        "madeForNode": True,
        "disks": [{"mount": node.disk.mount, "size": node.disk.size}] if node.disk else [],
        "machine": machine,
        **({"firewall": firewall} if firewall else {}),
        "patience": patience,
        **({"kind": kind} if kind else {}),
    }

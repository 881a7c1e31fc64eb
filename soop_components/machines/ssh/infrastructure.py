"""Existing hosts as a program declares them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi

from soop_components.machines import DomainContext, Infrastructure
from soop_components.machines.host import firewall
from soop_components.machines.host.declaration import Host
from soop_components.machines.ssh.settings import SshEnvironment, place_of
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan


class SshInfrastructure(Infrastructure):
    """The hosts of an environment, of which each node of one domain gets one.

    Each node has its own first choice, so that which node gets which host does not depend on who is faster.
    """

    def __init__(self, context: DomainContext) -> None:
        super().__init__(context)
        self._environment = cast(SshEnvironment, context.environment)
        self._chosen: set[str] = set()

    def declare(self, node: NodePlan, image: str, parent: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
        """Declare the Host of one node, with all hosts that it may be on."""
        size = self._environment.sizes[node.size]
        spec = {
            "hosts": [self._listed(name) for name in self._by_preference(node)],
            "authorizedKey": self.context.authorized_key,
            "operatorLogin": True,
            "base": image,
            "cpus": size.cpus,
            "memory": size.memory,
            "firewall": firewall.declared(self.context.domain, node.inbound, self._addresses()),
            **({"disks": [{"mount": node.disk.mount, "size": node.disk.size}]} if node.disk else {}),
        }
        return Host(node.name, spec, self.context.private_key, pulumi.ResourceOptions(parent=parent)).place

    def declare_disk(self, name: str, disk: DiskDefinition, parent: pulumi.Resource) -> pulumi.Output[str]:
        """Declare nothing: the data of a node that is gone lies on its host, which is not ours."""
        return pulumi.Output.from_input(name)

    def _by_preference(self, node: NodePlan) -> list[str]:
        """Return the hosts that a node may be on, first one that no earlier node of the domain prefers."""
        hosts = self._environment.ssh.of(self.context.domain)
        fitting = [name for name, host in hosts.items() if not host.sizes or node.size in host.sizes]
        fitting.sort(key=lambda name: not hosts[name].sizes)  # those that others cannot take come first
        if self._environment.reliability.spread:
            zones = sorted({hosts[name].zone or "" for name in fitting})
            fitting.sort(key=lambda name: (zones.index(hosts[name].zone or "") - node.number + 1) % len(zones))
        first = next((name for name in fitting if name not in self._chosen), None)
        if first is None:
            raise pulumi.RunError(
                f"{node.name}: ssh.hosts of environment {self._environment.name} has no host for it any more that may "
                f"be of the size {node.size} and is for {self.context.domain}: list another one there, or ask for "
                "fewer nodes"
            )
        self._chosen.add(first)
        return sorted(fitting, key=lambda name: name != first)

    def _addresses(self) -> Mapping[str, Sequence[str]]:
        """Return the addresses of hosts by the domain that they are for."""
        found: dict[str, list[str]] = defaultdict(list)
        for host in self._environment.ssh.hosts.values():
            if host.domain:
                found[host.domain].append(host.address)
        return found

    def _listed(self, name: str) -> dict[str, Any]:
        host, jump = self._environment.ssh.hosts[name], self._environment.ssh.jump
        return {
            "name": name,
            **place_of(host),
            **({"disks": host.disks} if host.disks else {}),
            **({"jump": place_of(jump)} if jump else {}),
        }

"""Which ports of a domain's nodes are open to networks outside of it, by the rules that hold for every kind; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from soop_components.model.firewall import SSH
from soop_components.model.service_plan import ServicePlan


@dataclass(frozen=True, order=True)
class Opening:
    """A TCP port that a network reaches on all nodes of a role."""

    service: str
    role: str
    port: int
    network: str


def openings(services: Iterable[ServicePlan]) -> Sequence[Opening]:
    """Return what is opened, role by role, beside SSH and what the domain's nodes reach of each other."""
    found = {
        Opening(service.service, node.role, rule.port, network)
        for service in services
        for node in service.nodes.values()
        for rule in node.inbound
        if rule.port not in (None, SSH)
        for network in rule.networks
    }
    return sorted(found)

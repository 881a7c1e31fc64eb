"""Which ports of a domain's nodes are open to whom from outside of the domain; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from soop_components.model.environment import Environment
from soop_components.model.names import NodeName
from soop_components.model.service_plan import ServicePlan

EVERYWHERE = ("0.0.0.0/0", "::/0")


@dataclass(frozen=True, order=True)
class Opening:
    """A TCP port that a network reaches on all nodes of a role."""

    service: str
    role: str
    port: int
    network: str


def openings(environment: Environment, services: Iterable[ServicePlan]) -> Sequence[Opening]:
    """Return what is opened: endpoints that are public, and to deployers what they ask in smoke tests."""
    found: set[Opening] = set()
    public = environment.accessibility.allow_from or EVERYWHERE
    for service in services:
        for endpoint, addresses in service.endpoints.items():
            if f"{service.service}.{endpoint}" in environment.accessibility.public:
                ports = [(url.hostname or "", url.port or 80) for url in map(urlsplit, addresses)]
                found.update(_openings(service, ports, public))
        asked = [(node, test.http.port) for test in service.smoke_tests if test.http for node in test.http.nodes]
        found.update(_openings(service, asked, environment.security.ssh_from))
    return sorted(found)


def _openings(service: ServicePlan, ports: Iterable[tuple[str, int]], networks: Iterable[str]) -> Iterator[Opening]:
    for node, port in ports:
        for network in networks:
            yield Opening(service.service, NodeName.parse(node).role, port, network)

"""A domain: the set of nodes that collaborate to provide its services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from soop_components.components import custom_resources
from soop_components.components.service import Service
from soop_components.machines.kinds import kind_input, kind_of
from soop_components.model.environment import Environment
from soop_components.model.service_plan import ServicePlan


class Domain(pulumi.ComponentResource):
    """A domain; all machines are made side by side, services are released in the given order."""

    def __init__(
        self,
        id: str,
        environment: Environment,
        plans: Sequence[ServicePlan],
        *,
        images: Mapping[str, str],
        requires: Mapping[str, Sequence[str]] | None = None,
        secrets: Mapping[str, Mapping[str, pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("soop:index:Domain", id, kind_input(environment.machines), opts)
        self.key = custom_resources.Key(id, f"soop {id}", pulumi.ResourceOptions(parent=self))
        infrastructure = kind_of(environment.machines).infrastructure(id, environment, self.key.publicKey, self)
        self.services = {
            plan.service: Service(
                plan,
                infrastructure=infrastructure,
                images=images,
                key=self.key,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for plan in plans
        }
        for name, service in self.services.items():
            earlier = [self.services[other] for other in (requires or {}).get(name, ()) if other in self.services]
            others = [other for other in self.services.values() if other is not service]
            addresses = {node.name: node.address for other in others for node in other.nodes}
            service.release_on(addresses, (secrets or {}).get(name, {}), earlier)
        self.register_outputs({"id": id})

    def outputs(self) -> dict[str, Any]:
        """Return what the stack exports: exactly what is deployed, as the releases accepted it."""
        releases = {name: service.release for name, service in self.services.items() if service.release is not None}
        return {
            "services": {
                name: {
                    "version": release.version,
                    "digest": release.digest,
                    "since": release.since,
                    "endpoints": release.endpoints,
                    "nodes": release.status.apply(_shown),
                }
                for name, release in releases.items()
            },
        }


def _shown(status: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Leave out what every node of a healthy service has in common."""
    kept = ("role", "address", "version", "healthy")
    return {
        name: {key: node[key] for key in kept} | ({"drift": node["drift"]} if node["drift"] else {})
        for name, node in status.items()
    }

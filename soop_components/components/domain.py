"""A domain: the set of nodes that collaborate to provide its services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from soop_components.components import custom_resources
from soop_components.components.service import Service
from soop_components.machines import DomainContext
from soop_components.machines.kinds import kind_input, kind_of
from soop_components.model.environment import Environment
from soop_components.model.service_plan import ServicePlan


class Domain(pulumi.ComponentResource):
    """A domain; all machines are made side by side, services are released in the given order, groups as one."""

    def __init__(
        self,
        id: str,
        environment: Environment,
        plans: Sequence[ServicePlan],
        *,
        images: Mapping[str, str],
        requires: Mapping[str, Sequence[str]] | None = None,
        together: Sequence[Sequence[str]] = (),
        secrets: Mapping[str, Mapping[str, pulumi.Input[str]]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("soop:index:Domain", id, kind_input(environment.machines), opts)
        self.key = custom_resources.Key(id, f"soop {id}", pulumi.ResourceOptions(parent=self))
        context = DomainContext(id, environment, self.key.publicKey, self.key.privateKey, self)
        infrastructure = kind_of(environment.machines).infrastructure(context)
        infrastructure.prepare(plans)
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
        groups = {name: group for group in together for name in group}
        for name in self.services:
            if self.services[name].release is None:
                self._release(groups.get(name, (name,)), requires or {}, secrets or {})
        self.register_outputs({"id": id})

    def _release(
        self,
        names: Sequence[str],
        requires: Mapping[str, Sequence[str]],
        secrets: Mapping[str, Mapping[str, pulumi.Input[str]]],
    ) -> None:
        """Declare the release of a service, or those of a group, after all that any of them requires."""
        inputs = {
            name: self.services[name].inputs(self._neighbours(name), secrets.get(name, {}), self.services)
            for name in names
        }
        required = (
            self.services.get(other) for name in names for other in requires.get(name, ()) if other not in names
        )
        after: list[pulumi.Resource] = [other.release for other in required if other and other.release]
        if len(names) > 1:
            group = custom_resources.ReleaseGroup(inputs, pulumi.ResourceOptions(parent=self, depends_on=after))
            after = [group]
            of_group = {name: {"together": list(names), "accepted": group.accepted[name]} for name in names}
            inputs = {name: {**inputs[name], **of_group[name]} for name in names}
        for name in names:
            self.services[name].release_with(inputs[name], after)

    def _neighbours(self, name: str) -> dict[str, pulumi.Input[str]]:
        """Return the addresses of all nodes of other services."""
        others = (service for other, service in self.services.items() if other != name)
        return {node.name: node.address for service in others for node in service.nodes}

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

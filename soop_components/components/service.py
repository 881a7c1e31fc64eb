"""A service of a domain: its nodes, its made-up secrets and its release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from soop_components.components import custom_resources
from soop_components.components.node import KeptDisk, Node
from soop_components.machines import Infrastructure
from soop_components.model.service_plan import ServicePlan


class Service(pulumi.ComponentResource):
    """A service; ``nodes`` exist first, then ``release`` configures them all."""

    def __init__(
        self,
        plan: ServicePlan,
        *,
        infrastructure: Infrastructure,
        images: Mapping[str, str],
        key: custom_resources.Key,
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("soop:index:Service", plan.service, {}, opts)
        self._plan = plan
        self._key = key
        self._base = images[plan.service]
        self.nodes = [
            Node(
                node,
                image=images[plan.service],
                infrastructure=infrastructure,
                opts=pulumi.ResourceOptions(parent=self),
            )
            for node in plan.nodes.values()
        ]
        for name, disk in plan.kept_disks.items():
            KeptDisk(name, disk, infrastructure=infrastructure, opts=pulumi.ResourceOptions(parent=self))
        self.release: custom_resources.Release | None = None
        self._secrets: dict[str, pulumi.Output[str]] = {}
        self._generated: dict[str, int | str] = {}

    def inputs(
        self,
        addresses: Mapping[str, pulumi.Input[str]],
        given: Mapping[str, pulumi.Input[str]],
        others: Mapping[str, Service],
    ) -> dict[str, Any]:
        """Return what its release is given: ``addresses`` of the domain's other nodes, secrets that are ``given``.

        ``others`` are the services of the domain; those whose secrets it uses were asked before.
        """
        self._secrets = self._own_secrets(given)
        self._generated = {
            name: made for name, made in self._plan.secrets.items() if made is not None and name not in given
        }
        imports = {key: (others[each.service], each.secret) for key, each in self._plan.imports.items()}
        return {
            **release_inputs(self._plan, {node.name: node.place for node in self.nodes}),
            "neighbours": dict(addresses),
            "base": self._base,
            "secrets": {**self._secrets, **{key: other.exported(secret) for key, (other, secret) in imports.items()}},
            **self._generated_with(imports),
            "privateKey": self._key.privateKey,
        }

    def _generated_with(self, imports: Mapping[str, tuple[Service, str]]) -> dict[str, Any]:
        """Return which secrets are generated, those of services in the same group included, and whose these are."""
        tried = {
            key: (other, secret)
            for key, (other, secret) in imports.items()
            if other.release is None and secret in other._generated
        }
        made = {key: other._generated[secret] for key, (other, secret) in tried.items()}
        names = {key: f"{other._plan.service}.{secret}" for key, (other, secret) in tried.items()}
        return {"generated": {**self._generated, **made}, **({"imports": names} if names else {})}

    def exported(self, secret: str) -> pulumi.Output[str]:
        """Return a secret of this service for another one: what was accepted, or in a group what is tried."""
        if self.release is None or secret not in self._generated:
            return self._secrets[secret]
        return pulumi.Output.secret(self.release.acceptedSecrets.apply(lambda accepted: accepted[secret]))

    def release_with(self, inputs: Mapping[str, Any], after: Sequence[pulumi.Resource]) -> None:
        """Declare the release, which waits for others."""
        opts = pulumi.ResourceOptions(parent=self, depends_on=list(after))
        self.release = custom_resources.Release(self._plan.service, inputs, opts)
        self.register_outputs({"version": self.release.version, "digest": self.release.digest})

    def _own_secrets(self, given: Mapping[str, pulumi.Input[str]]) -> dict[str, pulumi.Output[str]]:
        values: dict[str, pulumi.Output[str]] = {}
        for name, how in self._plan.secrets.items():
            if name in given:
                values[name] = pulumi.Output.secret(given[name])
            elif how is not None:
                made = custom_resources.GeneratedSecret(
                    f"{self._plan.service}.{name}", how, pulumi.ResourceOptions(parent=self)
                )
                values[name] = pulumi.Output.secret(made.value)
        return values


def release_inputs(plan: ServicePlan, places: Mapping[str, pulumi.Input[Mapping[str, Any]]]) -> dict[str, Any]:
    """Return the part of a Release's inputs that holds no secret: one plan per role, and what differs between nodes."""
    apart = {"nodes", "secrets", "exports", "imports"}
    shape = plan.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=apart)
    return {
        "service": plan.service,
        "version": plan.version,
        "digest": plan.digest,
        "roles": shape["roles"],
        "nodes": {
            name: {"role": node.role, "number": node.number, "place": places[name]} for name, node in plan.nodes.items()
        },
        "smokeTests": shape.get("smoke_tests", []),
        "endpoints": shape.get("endpoints", {}),
        **{key: shape[key] for key in ("machines", "snapshots") if key in shape},
        **({"keptDisks": list(plan.kept_disks)} if plan.kept_disks else {}),
        **({"loseData": shape["lose_data"]} if plan.lose_data else {}),
    }

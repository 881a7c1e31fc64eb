"""The inputs of a Release, parsed once: what every node of one service must be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from soop_components.model.bases import DEFAULT_BASE
from soop_components.model.domain import LoseData
from soop_components.model.duration import seconds_of
from soop_components.model.environment import SnapshotSettings
from soop_components.model.names import DEFAULT_KIND, NodeName, Reference, environment_of
from soop_components.model.plan import HookPlan, RolePlan, SmokeTestPlan
from soop_components.model.service import HookName
from soop_components.model.service_plan import node_values
from soop_components.runner.typed_json import digest_of
from soop_components.transport.ssh import Target

_OF_NO_CONCERN = {"after", "rollout", "hooks", "migrations", "data"}
"""Parts of a role's plan that no node needs to know."""
_USUAL_PORTS = {"http": ":80", "https": ":443"}
"""What is left out of an address."""


@dataclass(frozen=True)
class ReleaseNode:
    """A node of the release: where it is, its role, and its number among the nodes of its role."""

    target: Target
    role: str
    number: int
    patience: float = 20.0
    """Seconds until it answers, at the beginning of a rollout."""
    inside: str = ""
    """The address by which the domain's nodes reach it, where that is another one."""


@dataclass(frozen=True)
class ReleaseInputs:
    """Everything one Release was given; ``secrets`` and ``private_key`` are in plain text and must not be shown."""

    reference: Reference
    digest: str
    roles: Mapping[str, RolePlan]
    nodes: Mapping[str, ReleaseNode]
    smoke_tests: tuple[SmokeTestPlan, ...]
    endpoints: Mapping[str, tuple[str, ...]]
    hosts: Mapping[str, str]
    """The addresses of all nodes of the domain."""
    secrets: Mapping[str, str]
    private_key: str
    machines: str = DEFAULT_KIND
    """The kind of machines that disks belong to."""
    snapshots: SnapshotSettings = field(default_factory=SnapshotSettings)
    """What the environment says of snapshots."""
    base: str = DEFAULT_BASE
    """The base image that the service is built for."""
    lose_data: LoseData | None = None
    """What a downgrade to it may lose."""

    def __repr__(self) -> str:
        return f"ReleaseInputs({self.reference})"

    @classmethod
    def parse(cls, plain: Mapping[str, Any]) -> ReleaseInputs:
        """Turn Pulumi's properties, all known and with secrets in plain text, into typed values."""
        nodes = {name: _node(name, node) for name, node in plain["nodes"].items()}
        return cls(
            reference=Reference(plain["service"], plain["version"]),
            digest=plain["digest"],
            roles={role: RolePlan.model_validate(plan) for role, plan in plain["roles"].items()},
            nodes=nodes,
            smoke_tests=tuple(SmokeTestPlan.model_validate(test) for test in plain.get("smokeTests", [])),
            endpoints={name: tuple(urls) for name, urls in plain.get("endpoints", {}).items()},
            hosts={**{name: node.inside or node.target.address for name, node in nodes.items()}, **plain["neighbours"]},
            secrets=plain.get("secrets", {}),
            private_key=plain["privateKey"],
            machines=plain.get("machines", DEFAULT_KIND),
            snapshots=SnapshotSettings.model_validate(plain.get("snapshots", {})),
            base=plain.get("base", DEFAULT_BASE),
            lose_data=LoseData.model_validate(plain["loseData"]) if plain.get("loseData") else None,
        )

    @property
    def environment(self) -> str:
        """The environment's name."""
        return environment_of(NodeName.parse(next(iter(self.nodes))).domain)

    @cached_property
    def plans(self) -> Mapping[str, dict[str, Any]]:
        """What nodes must be, by role, as their runners are given it."""
        return {
            role: plan.model_dump(mode="json", by_alias=True, exclude=_OF_NO_CONCERN)
            for role, plan in self.roles.items()
        }

    @cached_property
    def documents(self) -> Mapping[str, dict[str, Any]]:
        """What each node's runner is given, by node name, with the digest that names it."""
        return {name: self._document(node, self.plans[node.role]) for name, node in self.nodes.items()}

    def _document(self, node: ReleaseNode, plan: dict[str, Any]) -> dict[str, Any]:
        document = {
            "format": 1,
            **self.reference._asdict(),
            "digest": self.digest,
            "role": node.role,
            "node": node_values(node.target.name, node.role, node.number),
            "plan": plan,
        }
        return {**document, "plan_digest": digest_of(document)}

    def plan_digest(self, node: str) -> str:
        """Return the digest that names what a node's runner is given."""
        return str(self.documents[node]["plan_digest"])

    def names(self, previous: ReleaseInputs | None) -> dict[str, str]:
        """Return the addresses that nodes get.

        Those of nodes that leave are among them: their machines go last, and may say goodbye until then. The next
        update leaves them out.
        """
        taken = set(self.hosts.values())
        leaving = {
            name: address for name, address in (previous.hosts if previous else {}).items() if address not in taken
        }
        return {**leaving, **self.hosts}

    def nodes_of(self, role: str) -> list[str]:
        """Return the names of a role's nodes in the order of their numbers."""
        names = [name for name, node in self.nodes.items() if node.role == role]
        return sorted(names, key=lambda name: self.nodes[name].number)

    def hook(self, node: str, name: HookName) -> HookPlan | None:
        """Return a hook of a node's role; None if the role has none, or the release no such node."""
        return self.roles[self.nodes[node].role].hooks.get(name) if node in self.nodes else None

    def nodes_that_leave(self, after: ReleaseInputs) -> list[str]:
        """Return the nodes with a hook ``leave`` that another release has not, the highest number first."""
        names = [name for name in self.nodes if name not in after.nodes and self.hook(name, "leave")]
        return sorted(names, key=lambda name: self.nodes[name].number, reverse=True)

    def accept_within(self, node: str) -> int:
        """Return after how many seconds without a sign of the deployer a node rolls itself back; 0 for never."""
        return seconds_of(self.roles[self.nodes[node].role].rollout.accept_within)

    def program_blobs(self, node: str) -> list[str]:
        """Return the digests of blobs that smoke tests, hooks and what hands data over need on a node."""
        smoke = {test.script.blob for test in self.smoke_tests if test.script and node in test.script.nodes}
        role = self.roles[self.nodes[node].role]
        return sorted(smoke | {hook.blob for hook in role.hooks.values()} | {data.blob for data in role.data})

    def endpoint_urls(self) -> dict[str, list[str]]:
        """Return the endpoints with addresses in place of node names."""
        return {endpoint: [self._by_address(url) for url in urls] for endpoint, urls in self.endpoints.items()}

    def _by_address(self, url: str) -> str:
        scheme, _, rest = url.partition("://")
        host, separator, tail = rest.partition(":")
        address = self.nodes[host].target.address if host in self.nodes else self.hosts.get(host, host)
        return f"{scheme}://{address}{separator}{tail}".removesuffix(_USUAL_PORTS.get(scheme, " "))


def _node(name: str, properties: Mapping[str, Any]) -> ReleaseNode:
    place = properties["place"]
    patience = place.get("patience", ReleaseNode.patience)
    number, inside = properties["number"], place.get("inside", "")
    return ReleaseNode(Target.of_place(name, place), properties["role"], number, patience, inside)

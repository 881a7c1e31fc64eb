"""What a service and a domain must be: their nodes, and the plan of each role."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from soop_components.model.base import Model
from soop_components.model.domain import LoseData
from soop_components.model.environment import Environment, SnapshotSettings
from soop_components.model.firewall import Rule
from soop_components.model.names import DEFAULT_KIND, Digest, RoleName
from soop_components.model.plan import RolePlan, SmokeTestPlan
from soop_components.model.service import DiskDefinition


class NodePlan(Model):
    """One node: its name and number, in which it differs from others of its role; its role, size and disk."""

    name: str
    role: RoleName
    number: int
    """Among the nodes of its role, from 1."""
    size: str
    disk: DiskDefinition | None = None
    inbound: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    """Who may connect to it."""

    @property
    def values(self) -> dict[str, str]:
        """What replaces ``@@soop-node:<key>@@`` in the role's texts on this node."""
        return node_values(self.name, self.role, self.number)


def node_values(name: str, role: str, number: int) -> dict[str, str]:
    """Return what differs between nodes of a role, by the key of the mark ``@@soop-node:<key>@@``."""
    return {"name": name, "role": role, "number": str(number)}


class Import(Model):
    """A secret of a service that this one requires."""

    service: str
    secret: str


class ServicePlan(Model):
    """Everything one Release carries out."""

    service: str
    version: str
    digest: Digest
    """Of the artifact's manifest."""
    roles: dict[RoleName, RolePlan]
    nodes: dict[str, NodePlan]
    kept_disks: dict[str, DiskDefinition] = Field(default_factory=dict)
    """Disks of nodes that are gone, by the names of these nodes."""
    smoke_tests: Annotated[tuple[SmokeTestPlan, ...], Field(strict=False)] = ()
    endpoints: dict[str, Annotated[tuple[str, ...], Field(strict=False)]] = Field(default_factory=dict)
    """Addresses by node name, ``http://web-1.access-service.dev-access:80``."""
    secrets: dict[str, int | str | None] = Field(default_factory=dict)
    """Secret keys the plan refers to. What is generated: a number of characters, or a certificate for the nodes whose
    names end in this text. None: the domain gives it."""
    exports: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Secret keys that services which require it may use."""
    imports: dict[str, Import] = Field(default_factory=dict)
    """Secrets of other services, by the key by which the plan refers to them."""
    machines: str = DEFAULT_KIND
    """The kind of machines that its disks belong to, if it has any."""
    snapshots: SnapshotSettings = SnapshotSettings()
    """What the environment says of snapshots of these disks."""
    lose_data: LoseData | None = None
    """What a downgrade to it may lose."""
    avoided: frozenset[str] = frozenset()
    """Nodes that services in front of it are to send nothing, since they are about to get new machines."""

    @property
    def disks(self) -> dict[str, DiskDefinition]:
        """All disks by the names of their nodes, those of nodes that are gone included."""
        return {**{name: node.disk for name, node in self.nodes.items() if node.disk}, **self.kept_disks}

    def avoiding(self, nodes: Collection[str]) -> ServicePlan:
        """Return the plan as services in front of it see it while some nodes are to get no requests."""
        avoided = frozenset(self.nodes.keys() & nodes)
        return self.model_copy(update={"avoided": avoided}) if avoided else self


@dataclass(frozen=True)
class DomainPlan:
    """Everything that a stack's program declares."""

    id: str
    environment: Environment
    services: tuple[ServicePlan, ...]
    """In the order in which they are released."""
    images: Mapping[str, str]
    """Base image by service."""
    requires: Mapping[str, tuple[str, ...]]
    """Services of this domain that a service waits for."""
    given_secrets: Mapping[str, tuple[str, ...]]
    """Names of the secrets that the domain gives itself, by service."""
    together: tuple[tuple[str, ...], ...] = ()
    """Groups of services that are accepted as one, each in the order in which it is rolled out."""
    notes: tuple[str, ...] = ()
    """What people should know although nothing is wrong with the domain."""

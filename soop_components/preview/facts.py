"""What an update of a domain would do, as values; `soop plan --json` prints them as they are."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from soop_components.model.base import Model
from soop_components.model.data import MigrationKind

Names = Annotated[tuple[str, ...], Field(strict=False)]
ServiceAction = Literal["create", "upgrade", "downgrade", "change", "repair", "remove", "none"]
NodeAction = Literal["create", "replace", "configure", "repair", "record", "remove", "none"]
ResourceAction = Literal["create", "replace", "update", "delete"]
StepKind = Literal[
    "hosts", "send", "hand_over", "snapshot", "restore", "rebuild", "configure", "migrate_down", "hook", "watch",
    "pause", "smoke_tests", "accept",
]  # fmt: skip


class Artifact(Model):
    """A version of a service, and the digest of its artifact."""

    version: str
    """Such as 3.2.4."""
    digest: str
    """Of its manifest."""


class PackageChange(Model):
    """A Debian package in another version."""

    name: str
    """Of the package."""
    before: str | None
    """Its version on the nodes now; null: it is installed."""
    after: str | None
    """Its version afterwards; null: it is removed."""


class Changes(Model):
    """Names of what is added, changed and removed."""

    added: Names = ()
    """What is there afterwards only."""
    changed: Names = ()
    """What differs."""
    removed: Names = ()
    """What is there before only."""


class RoleChange(Model):
    """What changes on the nodes of a role that exist already, or what is on those of a new role."""

    role: str
    """Its name."""
    packages: Annotated[tuple[PackageChange, ...], Field(strict=False)] = ()
    """Debian packages that change."""
    files: Changes = Changes()
    """Paths of files and links."""
    units: Changes = Changes()
    """Names of systemd units."""
    debconf: Changes = Changes()
    """Questions of packages to which debconf has other answers."""
    scripts: Names = ()
    """Configuration scripts that run again, as `component/name`."""


class NodeChange(Model):
    """What happens with a node."""

    node: str
    """Its full name."""
    role: str
    """Its role."""
    action: NodeAction
    """`record`: it gets the name of the version and no other change."""
    base: str = ""
    """The base image of its new machine, if it gets one."""
    starts: Names = ()
    """Units that are started, being new."""
    restarts: Names = ()
    """Units that are restarted."""
    reloads: Names = ()
    """Units that are reloaded."""
    stops: Names = ()
    """Units that are stopped."""
    drift: Names = ()
    """How it differs from what was accepted; that is repaired."""


class MigrationChange(Model):
    """A migration that one of the versions has and the other one has not."""

    role: str
    """Role of the nodes that have the database."""
    component: str
    """Name of its service component."""
    migration: str
    """Its number and name, `003_expires_at`."""
    kind: MigrationKind
    """What it declares."""
    direction: Literal["up", "down", "stays"]
    """`stays`: only the newer version knows it, and the older one runs on its result."""


class StepFact(Model):
    """A step of the rollout."""

    kind: StepKind
    """What is done."""
    nodes: Names = ()
    """On which nodes, all at once."""
    hook: str | None = None
    """Which hook runs."""
    label: str | None = None
    """Of the snapshot that is taken or restored."""
    seconds: int | None = None
    """How long is watched or waited."""
    tests: Names = ()
    """Smoke tests that run; none named: all of them."""
    down_to: dict[str, int] = Field(default_factory=dict)
    """Number of the migration down to which a database goes back, by component."""


class ServicePreview(Model):
    """What happens with a service."""

    service: str
    """Its name."""
    action: ServiceAction
    """What happens with it; `change`: other content or settings under the same version."""
    before: Artifact | None = None
    """What was accepted last."""
    after: Artifact | None = None
    """What is to be accepted; null: the service leaves the domain."""
    nodes: Annotated[tuple[NodeChange, ...], Field(strict=False)] = ()
    """Its nodes, before and after."""
    roles: Annotated[tuple[RoleChange, ...], Field(strict=False)] = ()
    """Roles of which something changes."""
    migrations: Annotated[tuple[MigrationChange, ...], Field(strict=False)] = ()
    """Migrations of databases, and their directions."""
    refused: str | None = None
    """Why an update would be refused."""
    notes: Names = ()
    """What cannot be rolled back, and what a downgrade loses."""
    secrets: Names = ()
    """Names of the secrets that change."""
    smoke_tests: Names = ()
    """What tries the service out before it is accepted."""
    steps: Annotated[tuple[tuple[tuple[StepFact, ...], ...], ...], Field(strict=False)] = ()
    """The rollout: one after the other; in each, sequences of steps that do not wait for each other."""


class ResourceChange(Model):
    """What the engine does with a resource."""

    type: str
    """Such as `soop:index:Machine`."""
    name: str
    """Its name; that of the node for machines and disks."""
    action: ResourceAction
    """What is done with it."""
    because: Names = ()
    """Properties that change."""


class Loss(Model):
    """Something that cannot be undone."""

    kind: Literal["disk"]
    """What is lost."""
    subject: str
    """Which one: of a disk, the node."""


class DomainPreview(Model):
    """What an update of a domain would do."""

    format: Literal[1] = 1
    """Of this document."""
    domain: str
    """The domain's id."""
    services: Annotated[tuple[ServicePreview, ...], Field(strict=False)] = ()
    """What happens with each service."""
    together: Annotated[tuple[Names, ...], Field(strict=False)] = ()
    """Groups of services that are accepted as one, or rolled back as one."""
    resources: Annotated[tuple[ResourceChange, ...], Field(strict=False)] = ()
    """Machines, disks and other resources that change; where no engine was asked, groups of services alone."""
    losses: Annotated[tuple[Loss, ...], Field(strict=False)] = ()
    """What cannot be undone."""
    warnings: Names = ()
    """What the engine and the provider say besides."""

    @property
    def changes(self) -> bool:
        """Whether anything would change."""
        return bool(self.resources) or any(service.action != "none" for service in self.services)

"""A domain definition: the stack's configuration, which says what is deployed where and how often."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from soop_components.model.base import Model
from soop_components.model.names import ConfigKey, DomainId, EnvironmentName, Reference, RoleName, ServiceName, Version
from soop_components.model.service import MOST, MOST_KEYS, MOST_ROLES, RolloutSettings

ID = "the stack's name"
ENVIRONMENT = "soop:environment"
SERVICES = "soop:services"
TOGETHER = "soop:together"
ACCESSIBILITY = "soop:accessibility"
SECRETS = "soop:secrets"
"""Where Pulumi keeps the parts of a domain definition: keys of a stack's configuration, and its name."""


class LoseData(Model):
    """Somebody's word that a downgrade may lose data; it is said of one downgrade and holds for no other."""

    from_: Version = Field(alias="from")
    """The version that runs."""
    to: Version
    """The version that it goes back to, that of `service`."""
    by: Literal["migrations", "snapshot"]
    """How: down-migrations undo what the newer version did to schemas, or disks are what they were before it."""


class DomainService(Model):
    """A service of a domain: which definition, how many nodes per role, which overrides."""

    reference: Reference = Field(validation_alias="service")
    """Name and version of the service definition, ``access-service-3.2.3``."""
    nodes: dict[RoleName, Annotated[int, Field(ge=0, le=1000)]] = Field(default_factory=dict, max_length=MOST_ROLES)
    """Number of nodes by role; the definition's default where nothing is said."""
    disks: dict[RoleName, Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict, max_length=MOST_ROLES)
    """Number of disks by role, where more are kept than it has nodes: those of nodes that are gone."""
    rollout: dict[RoleName, RolloutSettings] = Field(default_factory=dict, max_length=MOST_ROLES)
    """How an update passes over the nodes of a role; the definition's value where nothing is said."""
    config: dict[ConfigKey, Any] = Field(default_factory=dict, max_length=MOST_KEYS)
    """Overrides of the service's default configuration."""
    lose_data: LoseData | None = None
    """What a downgrade may lose."""


class DomainAccessibility(Model):
    """Who else than the domain's own nodes may connect to them."""

    from_: Annotated[tuple[DomainId, ...], Field(strict=False, max_length=MOST)] = Field(alias="from", default=())
    """Domains of the same environment whose nodes may connect to endpoints of this one's services."""


class DomainDefinition(Model):
    """The services of one domain and the environment it belongs to."""

    id: DomainId = Field(validation_alias=ID)
    """The stack's name, ``<environment>-<name>``."""
    environment: EnvironmentName = Field(validation_alias=ENVIRONMENT)
    """Name of the environment, the first word of the domain's id."""
    services: tuple[DomainService, ...] = Field(validation_alias=SERVICES, strict=False, min_length=1, max_length=MOST)
    """The services of the domain; each at most once."""
    together: tuple[Annotated[tuple[ServiceName, ...], Field(strict=False, max_length=MOST)], ...] = Field(
        validation_alias=TOGETHER, default=(), strict=False, max_length=MOST
    )
    """Groups of services that are deployed together: all are accepted, or all are rolled back."""
    accessibility: DomainAccessibility = Field(validation_alias=ACCESSIBILITY, default=DomainAccessibility())
    """Who else may connect to the domain's nodes; nobody where nothing is said."""
    secrets: dict[ServiceName, tuple[ConfigKey, ...]] = Field(
        validation_alias=SECRETS, default_factory=dict, max_length=MOST
    )
    """Names (never values) of the secrets that the domain gives itself, per service."""

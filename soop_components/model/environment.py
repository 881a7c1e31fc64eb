"""An environment: isolated infrastructure with capacity, reliability, accessibility and security requirements."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from soop_components.model.base import Model
from soop_components.model.names import DEFAULT_KIND, KEY, SERVICE_NAME, EnvironmentName, SizeName
from soop_components.model.service import MOST
from soop_components.model.size import Size, bytes_of

_LEAST_MEMORY, _MOST_MEMORY = "64MiB", "64TiB"
"""What a machine can be made with."""
_ENDPOINT = re.compile(rf"{SERVICE_NAME}\.{KEY}")


def _network(value: str) -> str:
    try:
        if "%" in value:
            raise ValueError  # a zone of IPv6 is a matter of one computer, and may be any text
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("expected a network such as 203.0.113.0/24") from None
    return value


def _endpoint(value: str) -> str:
    if not _ENDPOINT.fullmatch(value):
        raise ValueError("expected an endpoint such as gateway-service.http, <service>.<endpoint>")
    return value


def _memory(value: str) -> str:
    if not bytes_of(_LEAST_MEMORY) <= bytes_of(value) <= bytes_of(_MOST_MEMORY):
        raise ValueError(f"expected {_LEAST_MEMORY} to {_MOST_MEMORY}")
    return value


Network = Annotated[str, AfterValidator(_network)]
PublicEndpoint = Annotated[str, AfterValidator(_endpoint)]


class MachineSize(Model):
    """What a node definition's ``size`` means here."""

    cpus: Annotated[int, Field(ge=1, le=1024)] = 1
    """Processors of a machine."""
    memory: Annotated[Size, AfterValidator(_memory)] = "512MiB"
    """Memory of a machine, ``512MiB``."""


class Capacity(Model):
    """What all domains of the environment may use together."""

    nodes: Annotated[int, Field(ge=1)] | None = None
    """Most nodes."""
    cpus: Annotated[int, Field(ge=1)] | None = None
    """Most processors."""
    memory: Size | None = None
    """Most memory, ``64GiB``."""


class SnapshotSettings(Model):
    """Copies of disks, for an upgrade that went wrong: when they are taken, and how many are kept."""

    before_upgrade: bool = False
    """Whether each disk gets one before an upgrade changes its node; a role asks by ``rollout: {snapshot: true}``."""
    keep: Annotated[int, Field(ge=1, le=100)] = 3
    """Newest of each disk that are kept; older ones are removed when another one is taken."""
    size: Size = "20GiB"
    """Most that all of the environment take together; one more is refused."""


class Reliability(Model):
    """How much care data gets."""

    spread: Literal["availability_zone"] | None = None
    """What the nodes of a role are spread over; refused for local machines and those of libvirt, which are all on
    one computer."""
    protect_stateful: bool = False
    """Whether disks refuse to be deleted with their domain. Volumes at AWS and of libvirt always do, and existing hosts
    keep their data."""
    snapshots: SnapshotSettings = SnapshotSettings()
    """Copies of disks."""


class Accessibility(Model):
    """Who may reach the services."""

    public: Annotated[tuple[PublicEndpoint, ...], Field(strict=False)] = ()
    """Endpoints that may be reached from outside the environment."""
    allow_from: Annotated[tuple[Network, ...], Field(strict=False)] = ()
    """Networks that may reach them; everybody if none is given."""


class Security(Model):
    """What a deployment must satisfy."""

    require_promotion_from: EnvironmentName | None = None
    """Environment in which a version must have been accepted before."""
    shared_passphrase: bool = False
    """Whether secrets may be sealed with the passphrase that `soop setup` writes, which everybody knows."""
    ssh_from: Annotated[tuple[Network, ...], Field(strict=False)] = ()
    """Networks from which nodes may be reached by SSH; every one if none is given."""


class Environment(Model):
    """The kind of machines of an environment and the limits on them."""

    name: EnvironmentName
    """The file's name; not written in it."""
    machines: str = DEFAULT_KIND
    """Kind of machines."""
    sizes: Annotated[dict[SizeName, MachineSize], Field(min_length=1, max_length=MOST)] = Field(
        default_factory=lambda: {"small": MachineSize()}
    )
    """What the sizes of node definitions mean here; ``small`` with one processor and 512MiB if nothing is said."""
    capacity: Capacity = Capacity()
    """What all domains of the environment may use together; no limit where nothing is said."""
    reliability: Reliability = Reliability()
    """How much care data gets."""
    accessibility: Accessibility = Accessibility()
    """Who may reach the services from outside; local machines are reached from their own computer and nowhere else."""
    security: Security = Security()
    """What a deployment must satisfy."""

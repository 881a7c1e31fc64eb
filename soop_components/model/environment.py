"""An environment: isolated infrastructure with capacity, reliability, accessibility and security requirements."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from soop_components.model.base import Model
from soop_components.model.names import EnvironmentName
from soop_components.model.service import Size


class MachineSize(Model):
    """What a node definition's ``size`` means here."""

    cpus: Annotated[int, Field(ge=1)] = 1
    memory: Size = "512MiB"


class Capacity(Model):
    """What all domains of the environment may use together."""

    nodes: Annotated[int, Field(ge=1)] | None = None
    cpus: Annotated[int, Field(ge=1)] | None = None
    memory: Size | None = None


class Reliability(Model):
    """How much care data gets."""

    spread: Literal["availability_zone"] | None = None
    protect_stateful: bool = False
    """Whether disks refuse to be deleted with their domain."""


class Accessibility(Model):
    """Who may reach the services."""

    public: Annotated[tuple[str, ...], Field(strict=False)] = ()
    allow_from: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Security(Model):
    """What a deployment must satisfy."""

    require_promotion_from: EnvironmentName | None = None
    ssh_from: Annotated[tuple[str, ...], Field(strict=False)] = ()


class Environment(Model):
    """The kind of machines of an environment and the limits on them."""

    name: EnvironmentName
    machines: Literal["local", "libvirt", "aws", "ssh"] = "local"
    sizes: dict[str, MachineSize] = Field(default_factory=lambda: {"small": MachineSize()})
    capacity: Capacity = Capacity()
    reliability: Reliability = Reliability()
    accessibility: Accessibility = Accessibility()
    security: Security = Security()
    aws: dict[str, Any] | None = None
    libvirt: dict[str, Any] | None = None
    ssh: dict[str, Any] | None = None

"""A service definition: everything that is required to deploy a service, as its authors write it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from soop_components.model.base import Model
from soop_components.model.names import ComponentName, ConfigKey, RoleName, ServiceName, Version

SIZE = r"[1-9][0-9]{0,5}(?:MiB|GiB|TiB)"
Size = Annotated[str, StringConstraints(pattern=rf"^{SIZE}$")]
_UNITS = {"MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def size_bytes(size: str) -> int:
    """Return a size such as ``10GiB`` in bytes."""
    return int(size[:-3]) * _UNITS[size[-3:]]


class ConfigOption(Model):
    """One key of a service's default configuration, which a domain may override."""

    type: Literal["string", "integer", "number", "boolean"]
    default: str | int | float | bool | None = None
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    secret: bool = False
    generate: Annotated[int, Field(ge=8, le=128)] | None = None
    """Characters of a secret that is made up once per domain unless the domain gives one."""
    summary: str = ""


class Component(Model):
    """A service component: a building block and what it is given."""

    uses: ConfigKey
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class Count(Model):
    """How many nodes a role has: bounds, and the number a domain gets that says nothing."""

    default: Annotated[int, Field(ge=0, le=1000)] = 1
    minimum: Annotated[int, Field(ge=0, le=1000)] = 1
    maximum: Annotated[int, Field(ge=1, le=1000)] = 1000


class DiskDefinition(Model):
    """A disk that outlives its machine."""

    size: Size
    mount: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._/-]+$")]


class Rollout(Model):
    """How an update passes over the nodes of a role: canaries first, then so many at once."""

    canaries: Annotated[int, Field(ge=0)] = 1
    max_in_flight: Annotated[int, Field(ge=1)] = 1


class NodeDefinition(Model):
    """A node definition: maps the nodes of a role to service components."""

    components: Annotated[tuple[ComponentName, ...], Field(strict=False, min_length=1)]
    size: str = "small"
    count: Count = Count()
    disk: DiskDefinition | None = None
    after: Annotated[tuple[RoleName, ...], Field(strict=False)] = ()
    rollout: Rollout = Rollout()


class Endpoint(Model):
    """Where a service answers: a port on every node of a role."""

    role: RoleName
    port: int | str
    """A number or a template that yields one."""


class HttpExpectation(Model):
    """What an HTTP answer must be; ``json`` names the keys that must be there with these values."""

    status: int = 200
    json_: dict[str, Any] | None = Field(default=None, alias="json")
    contains: str | None = None


class HttpCheck(Model):
    """One HTTP request from the deployer to every node of an endpoint."""

    endpoint: str
    path: str = "/"
    method: Literal["GET", "HEAD", "POST", "PUT", "DELETE"] = "GET"
    expect: HttpExpectation = HttpExpectation()


class SmokeTest(Model):
    """A check after the service is configured: over HTTP from the deployer, or a script on a node of the domain."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    http: HttpCheck | None = None
    script: str | None = None
    """Path of a program in the service definition; it runs on the first node of ``role``."""
    role: RoleName | None = None
    """Where the script runs; the role of the first endpoint if not given."""
    timeout: Annotated[int, Field(ge=1, le=600)] = 30
    """Seconds until the check, retries included, has failed."""


class ServiceDefinition(Model):
    """The blueprint of a service."""

    format: Literal[1]
    service: ServiceName
    version: Version
    summary: str = ""
    base: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9.-]*$", max_length=40)] = "debian-12"
    config: dict[ConfigKey, ConfigOption] = Field(default_factory=dict)
    components: Annotated[dict[ComponentName, Component], Field(min_length=1)]
    nodes: Annotated[dict[RoleName, NodeDefinition], Field(min_length=1)]
    endpoints: dict[ConfigKey, Endpoint] = Field(default_factory=dict)
    smoke_tests: Annotated[tuple[SmokeTest, ...], Field(strict=False)] = ()
    requires: dict[ServiceName, str] = Field(default_factory=dict)

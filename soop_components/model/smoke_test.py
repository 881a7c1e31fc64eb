"""Smoke tests: what shows that a service does what it is for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from soop_components.model.base import Model
from soop_components.model.names import ConfigKey, RoleName

SecretNames = Annotated[tuple[ConfigKey, ...], Field(strict=False, max_length=100)]
"""Keys of configuration whose values a program gets, each in a file of mode 0400 below the folder ``$SOOP_SECRETS``."""


class HttpExpectation(Model):
    """What an HTTP answer must be; ``json`` names the keys that must be there with these values."""

    status: Annotated[int, Field(ge=100, le=599)] = 200
    """The answer's status code."""
    headers: dict[str, str] = Field(default_factory=dict, max_length=100)
    """Headers that the answer must have, with these values; others are not looked at."""
    json_: dict[str, Any] | None = Field(default=None, alias="json")
    """Keys that the answer must have, with these values; others are not looked at."""
    contains: str | None = None
    """Text that the answer must contain."""


class HttpCheck(Model):
    """One HTTP request from the deployer to nodes of an endpoint."""

    endpoint: str
    """One of ``endpoints``, of the scheme ``http`` or ``https``."""
    path: str = "/"
    """Path of the request."""
    method: Literal["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """Method of the request."""
    headers: dict[str, str] = Field(default_factory=dict, max_length=100)
    """Headers of the request, which may be secrets. ``Host`` is also the name that a certificate must be for; it is the
    node's name if not given."""
    body: str | None = None
    """Body of the request, which may hold secrets."""
    follow_redirects: bool = False
    """Whether the answer is what redirects at the same endpoint lead to; otherwise it is the redirect itself."""
    trust: str | None = None
    """Certificates in PEM form, of which one must have signed that of an ``https`` endpoint, or be it; if not given,
    those that this computer trusts."""
    expect: HttpExpectation = HttpExpectation()
    """What the answer must be."""


class SmokeTest(Model):
    """A check after the service is configured: over HTTP from the deployer, or a script on a node of the domain."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80)]
    """What the test shows; messages call it that."""
    http: HttpCheck | None = None
    """A request and what its answer must be; either this or ``script``."""
    script: str | None = None
    """Path of a program in the service definition; it runs as root on nodes of ``role``."""
    role: RoleName | None = None
    """Where the script runs; the role of the first endpoint if not given."""
    nodes: Literal["every", "one"] | None = None
    """Whether every node is tried or one, the first; every node over HTTP and one by a script if not given."""
    when: Literal["end", "batch", "canary"] = "end"
    """When it must pass: at the ``end``; also after each ``batch`` of its role, on its nodes; or also after the
    canaries of its role, on these."""
    secrets: SecretNames = ()
    """Secrets that the script gets, each in a file of mode 0400 in the folder that ``$SOOP_SECRETS`` names."""
    timeout: Annotated[int, Field(ge=1, le=600)] = 30
    """Seconds until the check, retries included, has failed."""

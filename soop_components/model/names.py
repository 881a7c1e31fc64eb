"""Names of services, versions, domains, roles and nodes: how they look and how they are put together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, NamedTuple

from pydantic import StringConstraints

SERVICE_NAME = r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*"
VERSION = r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:-[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?"
ROLE_NAME = r"[a-z][a-z0-9]*(?:-[a-z]+)*"
ENVIRONMENT_NAME = r"[a-z][a-z0-9]*"
DOMAIN_ID = rf"{ENVIRONMENT_NAME}-[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
KEY = r"[a-z][a-z0-9_]*"

ServiceName = Annotated[str, StringConstraints(pattern=rf"^{SERVICE_NAME}$", max_length=40)]
Version = Annotated[str, StringConstraints(pattern=rf"^{VERSION}$", max_length=60)]
RoleName = Annotated[str, StringConstraints(pattern=rf"^{ROLE_NAME}$", max_length=20)]
EnvironmentName = Annotated[str, StringConstraints(pattern=rf"^{ENVIRONMENT_NAME}$", max_length=20)]
DomainId = Annotated[str, StringConstraints(pattern=rf"^{DOMAIN_ID}$", max_length=60)]
ComponentName = Annotated[str, StringConstraints(pattern=rf"^{ROLE_NAME}$", max_length=30)]
ConfigKey = Annotated[str, StringConstraints(pattern=rf"^{KEY}$", max_length=60)]
SizeName = Annotated[str, StringConstraints(pattern=rf"^{KEY}$", max_length=40)]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]

_REFERENCE = re.compile(rf"(?P<service>{SERVICE_NAME})-(?P<version>{VERSION})", re.ASCII)


class Reference(NamedTuple):
    """The name and version of a service definition, written ``access-service-3.2.3``."""

    service: str
    version: str

    def __str__(self) -> str:
        return f"{self.service}-{self.version}"

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Split ``access-service-3.2.3``; ``ValueError`` says what a reference looks like."""
        match = _REFERENCE.fullmatch(text)
        if match is None:
            raise ValueError("expected <service>-<version> such as access-service-3.2.3")
        return cls(match["service"], match["version"])


def environment_of(domain: str) -> str:
    """Return the environment's name out of a domain id: ``dev`` of ``dev-one-access``."""
    return domain.split("-", 1)[0]


def node_name(role: str, number: int, service: str, domain: str) -> str:
    """Return a node's unique name, ``web-1.access-service.dev-access``; numbers start at 1."""
    return f"{role}-{number}.{service}.{domain}"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean x?`` for a mistyped name, or nothing if no known one is near."""
    matches = get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {matches[0]}?" if matches else ""

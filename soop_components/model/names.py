"""Names of services, versions, domains, roles and nodes: how they look and how they are put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import islice
from typing import Annotated, Any, NamedTuple

from pydantic import GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

SERVICE_NAME = r"[a-z][a-z0-9]*(?:-[a-z][a-z0-9]*)*"
VERSION = r"(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)\.(?:0|[1-9][0-9]*)(?:-[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?"
ROLE_NAME = r"[a-z][a-z0-9]*(?:-[a-z]+)*"
ENVIRONMENT_NAME = r"[a-z][a-z0-9]*"
DOMAIN_ID = rf"{ENVIRONMENT_NAME}-[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
KEY = r"[a-z][a-z0-9_]*"

DEFAULT_KIND = "local"
"""The kind of machines that is meant where nothing is said."""

LONGEST_SERVICE_NAME = 40
LONGEST_VERSION = 60

ServiceName = Annotated[str, StringConstraints(pattern=rf"^{SERVICE_NAME}$", max_length=LONGEST_SERVICE_NAME)]
Version = Annotated[str, StringConstraints(pattern=rf"^{VERSION}$", max_length=LONGEST_VERSION)]
RoleName = Annotated[str, StringConstraints(pattern=rf"^{ROLE_NAME}$", max_length=20)]
EnvironmentName = Annotated[str, StringConstraints(pattern=rf"^{ENVIRONMENT_NAME}$", max_length=20)]
DomainId = Annotated[str, StringConstraints(pattern=rf"^{DOMAIN_ID}$", max_length=60)]
ComponentName = Annotated[str, StringConstraints(pattern=rf"^{ROLE_NAME}$", max_length=30)]
ConfigKey = Annotated[str, StringConstraints(pattern=rf"^{KEY}$", max_length=60)]
SizeName = Annotated[str, StringConstraints(pattern=rf"^{KEY}$", max_length=40)]
Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]

_LONGEST = 120
_COMPARED = 500
"""Known names that a mistyped one is compared with."""
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
        for kind, most in (("service", LONGEST_SERVICE_NAME), ("version", LONGEST_VERSION)):
            if len(match[kind]) > most:
                raise ValueError(f"expected a {kind} of at most {most} characters in <service>-<version>")
        return cls(match["service"], match["version"])

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Let a model have it as a field: written as text, parsed once."""

        def parsed(value: Any, text: Callable[[Any], str]) -> Reference:
            return value if isinstance(value, cls) else cls.parse(text(value))

        written = core_schema.to_string_ser_schema()
        return core_schema.no_info_wrap_validator_function(parsed, core_schema.str_schema(), serialization=written)


class NodeName(NamedTuple):
    """A node's unique name, written ``web-1.access-service.dev-access``; numbers start at 1."""

    role: str
    number: int
    service: str
    domain: str

    def __str__(self) -> str:
        return f"{self.short}.{self.service}.{self.domain}"

    @property
    def short(self) -> str:
        """What distinguishes the node from others of its service: ``web-1``."""
        return f"{self.role}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> NodeName:
        """Take a name apart; ``ValueError`` if it is none."""
        node, service, domain = text.split(".")
        role, _, number = node.rpartition("-")
        return cls(role, int(number), service, domain)


def environment_of(domain: str) -> str:
    """Return the environment's name out of a domain id: ``dev`` of ``dev-one-access``."""
    return domain.split("-", 1)[0]


def shown(name: str) -> str:
    """Return a name as it can stand in a message: on one line, not too long, and quoted where it would not be seen."""
    short = _short(name)
    if not short.isprintable():
        return repr(short)
    return short if short and short == short.strip() else f'"{short}"'


def quoted(name: str) -> str:
    """Return a name in quotes as it can stand in a message."""
    return repr(_short(name))


def _short(name: str) -> str:
    plain = str.__str__(name)  # what stands for a secret can be shown, although nothing else looks inside
    return plain if len(plain) <= _LONGEST else f"{plain[: _LONGEST - 1]}…"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean x?`` for a mistyped name, or nothing if no known one is near."""
    matches = near_names(word, known, 1, 0.6)
    return f"did you mean {shown(matches[0])}?" if matches else ""


def near_names(word: str, known: Iterable[str], most: int, likeness: float) -> list[str]:
    """Return the known names most like a mistyped one; long names, and those after the first 500, are not compared."""
    if len(word) > _LONGEST:
        return []
    names = sorted(name for name in islice(known, _COMPARED) if len(name) <= _LONGEST)
    return get_close_matches(word, names, most, likeness)


def listed(names: Iterable[str], most: int = 20) -> str:
    """Return names as they can stand in a message, the first of them if there are many."""
    found = list(names)
    more = [f"{len(found) - most} more"] if len(found) > most else []
    return ", ".join([*map(shown, found[:most]), *more])

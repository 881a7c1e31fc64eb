"""The names that templates of a service definition can use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from soop_components.errors import InvalidInput
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_plan import Import, ServicePlan
from soop_components.planning.marks import node_mark, secret_mark
from soop_components.planning.place import Place

Scope = Mapping[str, object]


class Required(dict[str, object]):
    """The services that a service requires: those that its templates may speak of."""

    advice = "templates speak of services that `requires:` names; add it there"


class Exported(dict[str, object]):
    """The secrets of a service that those which require it may use."""

    advice = "a service lets others use the secrets that it names in `exports: {secrets: […]}`"


class Address(str):
    """An endpoint's address on one node: text, ``http://web-1.access-service.dev-access:80``, that knows its parts."""

    __slots__ = ()

    @property
    def parts(self) -> Mapping[str, object]:
        """What templates can ask for: ``url``, ``scheme``, ``host`` and ``port``."""
        found = urlsplit(self)
        return {"url": str(self), "scheme": found.scheme, "host": found.hostname, "port": found.port}


def service_scope(
    definition: ServiceDefinition,
    config: Mapping[str, object],
    names: Mapping[str, Sequence[str]],
    domain: str,
    environment: str,
    services: Mapping[str, ServicePlan],
) -> dict[str, object]:
    """Return what is the same for all roles of a service; ``names`` are the names of its nodes by role."""
    return {
        "config": config,
        "service": {"name": definition.service, "version": definition.version, "base": definition.base},
        "nodes": {
            role: [{"name": name, "number": number} for number, name in enumerate(found, 1)]
            for role, found in names.items()
        },
        "domain": {"id": domain, "avoided": sorted(_avoided(services))},
        "environment": {"name": environment},
        "services": Required(
            (
                name,
                {
                    "version": plan.version,
                    "endpoints": {key: [Address(url) for url in urls] for key, urls in plan.endpoints.items()},
                    "secrets": Exported((key, secret_mark(imported_key(name, key))) for key in plan.exports),
                },
            )
            for name, plan in services.items()
        ),
    }


def imported_key(service: str, secret: str) -> str:
    """Return the key by which the plan of another service refers to a secret."""
    return f"{service.replace('-', '_')}__{secret}"


def imports_of(definition: ServiceDefinition, services: Mapping[str, ServicePlan], where: Place) -> dict[str, Import]:
    """Return the secrets of other services that a service may use, by the keys by which its plan refers to them."""
    found: dict[str, Import] = {}
    for service, plan in services.items():
        for secret in plan.exports:
            key = imported_key(service, secret)
            if key in definition.config or key in found:
                what = f"{service} exports the secret {secret}, which is called {key} here"
                raise InvalidInput([f"{where.at('config', key)}: {what}: choose another name"])
            found[key] = Import(service=service, secret=secret)
    return found


def _avoided(services: Mapping[str, ServicePlan]) -> Iterator[str]:
    """Yield host and port of the endpoints on nodes that are to get no requests."""
    for plan in services.values():
        for place in (urlsplit(url) for urls in plan.endpoints.values() for url in urls):
            if place.hostname in plan.avoided:
                yield place.netloc


def component_scope(scope: Scope, role: str, component: str) -> dict[str, object]:
    """Add the component and the node it is on; what differs between the nodes of a role is a mark."""
    node = {"name": node_mark("name"), "role": role, "number": node_mark("number")}
    return {**scope, "component": {"name": component}, "node": node}

"""Who may connect to a node: one set of rules for every kind of machines, made of what domain and environment say.

What no rule of a node admits is refused: other domains, other environments, and everybody else. A kind enforces the
rules by what it has (a packet filter, security groups), or refuses an environment that asks for what it cannot do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field

from soop_components.model.base import Model
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment, Network
from soop_components.model.names import DomainId

EVERYWHERE: tuple[Network, ...] = ("0.0.0.0/0", "::/0")
SSH = 22


class Rule(Model):
    """Whoever is named may connect to a port of a node."""

    port: Annotated[int, Field(ge=1, le=65535)] | None
    """Of TCP; None: every port, and every protocol."""
    networks: Annotated[tuple[Network, ...], Field(strict=False)] = ()
    """Addresses that may, ``203.0.113.0/24``; none, and no domains: nobody."""
    domains: Annotated[tuple[DomainId, ...], Field(strict=False)] = ()
    """Domains whose nodes may; the node's own domain is among them where it is meant."""


def inbound(
    domain: DomainDefinition,
    environment: Environment,
    service: str,
    ports: Mapping[str, int],
    tested: Collection[str] = (),
    closed: Collection[int] = (),
) -> tuple[Rule, ...]:
    """Return the rules of a node that answers at endpoints of a service, whose ``ports`` are given by endpoint.

    A domain's nodes reach each other. The deployer reaches SSH, and endpoints that are ``tested``, from ``ssh_from``.
    The domains of ``soop:accessibility`` reach every endpoint, the world those that are public, from ``allow_from``.
    A rule is there for each port at which the node answers, also of those that are ``closed`` to all others.
    """
    deployer = environment.security.ssh_from
    public = environment.accessibility.public
    rules = [Rule(port=None, domains=(domain.id,)), Rule(port=SSH, networks=deployer or EVERYWHERE)]
    for port in sorted({*ports.values(), *closed} - {SSH}):
        names = [name for name, each in ports.items() if each == port]
        is_public = any(f"{service}.{name}" in public for name in names)
        world = (environment.accessibility.allow_from or EVERYWHERE) if is_public else ()
        testers = deployer if any(name in tested for name in names) else ()
        networks = tuple(dict.fromkeys((*testers, *world)))
        rules.append(Rule(port=port, networks=networks, domains=domain.accessibility.from_ if names else ()))
    return tuple(rules)

"""Who may connect to the nodes of a role."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.firewall import SSH, Rule, inbound
from soop_components.model.plan import RolePlan
from soop_components.model.service import ServiceDefinition
from soop_components.planning.inside import inside
from soop_components.planning.place import Place
from soop_components.planning.programs import port_number
from soop_components.planning.scope import Scope
from soop_components.planning.templates import evaluate


def refuse_public_ssh(
    definition: ServiceDefinition, environment: Environment, ports: Mapping[str, int], where: Place
) -> None:
    """Refuse a public endpoint at the port of SSH: who reaches that port is said in one place only."""
    public = environment.accessibility.public
    names = [name for name, port in ports.items() if port == SSH and f"{definition.service}.{name}" in public]
    if names:
        why = f"{SSH} is the port of SSH, for which security.ssh_from counts; environment {environment.name} makes"
        raise InvalidInput([f"{where.at('endpoints', name, 'port')}: {why} this endpoint public" for name in names])


def inbound_rules(
    resolved: ResolvedDefinition,
    role: str,
    plan: RolePlan,
    domain: DomainDefinition,
    environment: Environment,
    ports: Mapping[str, int],
    scope: Scope,
    where: Place,
) -> tuple[Rule, ...]:
    """Return who may connect to the nodes of a role; ``ports`` are those of endpoints."""
    definition = resolved.definition
    answered = {name: ports[name] for name, endpoint in definition.endpoints.items() if endpoint.role == role}
    tested = {test.http.endpoint for test in definition.smoke_tests if test.http}
    others = set(_listening(resolved, role, plan, scope, where))
    return inbound(domain, environment, definition.service, answered, tested, others)


def _listening(resolved: ResolvedDefinition, role: str, plan: RolePlan, scope: Scope, where: Place) -> Iterator[int]:
    """Yield the ports at which the nodes of a role listen, as far as health checks and blocks say."""
    for name, part in plan.components.items():
        if part.http_health:
            yield part.http_health.port
        block, at = resolved.blocks[resolved.definition.components[name].uses], where.at("components", name)
        if block.ports:
            place = at.in_block(block.block).at("ports")
            found = evaluate(block.ports, inside(resolved, role, name, scope, at), place)
            for port in found if isinstance(found, list) else [found]:
                yield port_number(port, place)

"""The plan of a whole domain: its services in the order of what they require, each planned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.plan import ServicePlan
from soop_components.planning.service import plan_service


@dataclass(frozen=True)
class Definition:
    """A service definition out of its artifact, and the artifact's digest."""

    resolved: ResolvedDefinition
    digest: str


@dataclass(frozen=True)
class DomainPlan:
    """Everything that a stack's program declares."""

    id: str
    environment: Environment
    services: tuple[ServicePlan, ...]
    """In the order in which they are released."""
    images: Mapping[str, str]
    """Base image by service."""
    requires: Mapping[str, tuple[str, ...]]
    """Services of this domain that a service waits for."""
    given_secrets: Mapping[str, tuple[str, ...]]
    """Names of the secrets that the domain gives itself, by service."""


def plan_domain(
    domain: DomainDefinition, environment: Environment, definitions: Mapping[str, Definition]
) -> DomainPlan:
    """Plan every service of a domain whose definitions have been checked against it. Raises ``InvalidInput``."""
    _check_sizes(environment, definitions)
    requires = {
        name: tuple(other for other in definition.resolved.definition.requires if other in definitions)
        for name, definition in definitions.items()
    }
    plans: dict[str, ServicePlan] = {}
    services = {each.reference.service: each for each in domain.services}
    for name in _ordered(domain.id, requires):
        definition = definitions[name]
        plans[name] = plan_service(definition.resolved, definition.digest, domain, environment, services[name], plans)
    return DomainPlan(
        id=domain.id,
        environment=environment,
        services=tuple(plans.values()),
        images={name: definition.resolved.definition.base for name, definition in definitions.items()},
        requires=requires,
        given_secrets=domain.secrets,
    )


def _ordered(domain: str, requires: Mapping[str, tuple[str, ...]]) -> list[str]:
    try:
        return list(TopologicalSorter(requires).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        raise InvalidInput([f"{domain}: services require each other in a circle: {circle}"]) from error


def _check_sizes(environment: Environment, definitions: Mapping[str, Definition]) -> None:
    known = ", ".join(sorted(environment.sizes))
    problems = [
        f"{name}: nodes.{role}.size: environment {environment.name} has no size {node.size!r}; it has {known}"
        for name, definition in definitions.items()
        for role, node in definition.resolved.definition.nodes.items()
        if node.size not in environment.sizes
    ]
    if problems:
        raise InvalidInput(problems, f"add it to `sizes:` in stacks/environments/{environment.name}.yaml")

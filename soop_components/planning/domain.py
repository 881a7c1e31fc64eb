"""The plan of a whole domain: its services in the order of what they require, each planned."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.order import in_order, merged
from soop_components.model.service_plan import DomainPlan, ServicePlan
from soop_components.planning.service import plan_service


@dataclass(frozen=True)
class Definition:
    """A service definition out of its artifact, and the artifact's digest."""

    resolved: ResolvedDefinition
    digest: str


def plan_domain(
    domain: DomainDefinition,
    environment: Environment,
    definitions: Mapping[str, Definition],
    avoided: Collection[str] = (),
) -> DomainPlan:
    """Plan every service of a domain whose definitions have been checked against it. Raises ``InvalidInput``.

    Nodes that are ``avoided`` get no requests from services that require theirs.
    """
    requires = {
        name: tuple(other for other in definition.resolved.definition.requires if other in definitions)
        for name, definition in definitions.items()
    }
    order = in_order(requires)
    together = tuple(tuple(sorted(group, key=order.index)) for group in domain.together)
    plans: dict[str, ServicePlan] = {}
    services = {each.reference.service: each for each in domain.services}
    for name in order:
        definition = definitions[name]
        required = {other: plans[other].avoiding(avoided) for other in requires[name]}
        plans[name] = plan_service(
            definition.resolved, definition.digest, domain, environment, services[name], required
        )
    return DomainPlan(
        id=domain.id,
        environment=environment,
        services=tuple(plans[name] for name in _groups_in_a_row(order, requires, together)),
        images={name: definition.resolved.definition.base for name, definition in definitions.items()},
        requires=requires,
        given_secrets=domain.secrets,
        together=together,
    )


def _groups_in_a_row(
    order: Sequence[str], requires: Mapping[str, Sequence[str]], together: Sequence[Sequence[str]]
) -> Iterator[str]:
    """Yield services so that each comes after those that any of its group requires."""
    for one in in_order(merged(requires, together)):
        group = next((group for group in together if one in group), (one,))
        yield from sorted(group, key=order.index)

"""What must hold between a domain definition, its environment and the service definitions it deploys."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from soop_components.model.domain import (
    ACCESSIBILITY,
    ENVIRONMENT,
    SECRETS,
    SERVICES,
    TOGETHER,
    DomainDefinition,
    DomainService,
)
from soop_components.model.environment import Environment
from soop_components.model.names import environment_of, shown
from soop_components.model.options import value_problem
from soop_components.model.problem import Problem, ProblemKind, got, unknown
from soop_components.model.requirements import Built, requirement_problems
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_checks import NO_DISK

_LARGEST_INTEGER = 2**53
"""Larger ones lose digits where Pulumi reads its configuration."""


def secret_command(domain: str, service: str, key: str) -> str:
    """Return the command with which people give a domain a secret, whether the domain's stack exists or not."""
    path = f"{SECRETS}.{shown(service)}.{shown(key)}"
    return f"`pulumi stack select --create {domain} && pulumi config set --secret --path '{path}'`"


def all_problems(
    domain: DomainDefinition,
    definitions: Mapping[str, ServiceDefinition],
    environment: Environment | None = None,
    built: Built = tuple,
) -> list[Problem]:
    """Return every mistake of a domain; ``definitions`` are by service name, as far as they are there.

    ``built`` returns what could be deployed instead of a version that does not fit.
    """
    problems = domain_problems(domain)
    for index, service in enumerate(domain.services):
        definition = definitions.get(service.reference.service)
        if definition is None:
            continue
        problems += _service_problems(domain.id, index, service, definition, environment)
        problems += _secret_problems(domain, definition)
    problems += requirement_problems(domain, definitions, built)
    return list(dict.fromkeys(problems))


def domain_problems(domain: DomainDefinition) -> list[Problem]:
    """Return the mistakes that a domain definition can be seen to have by itself."""
    problems = []
    if environment_of(domain.id) != domain.environment:
        text = f"domain {domain.id} belongs to environment {environment_of(domain.id)} {got(domain.environment)}"
        problems.append(Problem((ENVIRONMENT,), text))
    names = [service.reference.service for service in domain.services]
    for index, name in enumerate(names):
        if name in names[:index]:
            text = f"{name} is in this domain already; a service is at most once in a domain"
            problems.append(Problem((SERVICES, index, "service"), text))
    for index, service in enumerate(domain.services):
        for key, value in service.config.items():
            changed = _changed_on_its_way(value)
            if changed:
                problems.append(Problem((SERVICES, index, "config", key), changed))
    for name in domain.secrets:
        if name not in names:
            problems.append(Problem.unknown((SECRETS, name), "service", name, names))
    return [*problems, *_group_problems(domain, names), *_accessibility_problems(domain)]


def _accessibility_problems(domain: DomainDefinition) -> Iterator[Problem]:
    for index, other in enumerate(domain.accessibility.from_):
        place = (ACCESSIBILITY, "from", index)
        if other == domain.id:
            yield Problem(place, "a domain's own nodes reach each other anyway; remove it")
        elif environment_of(other) != domain.environment:
            text = f"expected a domain of environment {domain.environment}; environments are isolated {got(other)}"
            yield Problem(place, text)


def _group_problems(domain: DomainDefinition, names: Collection[str]) -> Iterator[Problem]:
    group_of: dict[str, int] = {}
    for number, group in enumerate(domain.together):
        if len(group) < 2:
            text = f"a group has two services or more; one stands alone without a group (got {len(group)})"
            yield Problem((TOGETHER, number), text, ProblemKind.TOO_FEW)
        for index, name in enumerate(group):
            place = (TOGETHER, number, index)
            if name not in names:
                yield Problem.unknown(place, "service", name, names)
            if name in group_of:
                where = "in this group" if group_of[name] == number else f"in {TOGETHER}[{group_of[name]}]"
                yield Problem(place, f"{name} is {where} already; a service is in one group at most")
            group_of.setdefault(name, number)


def _changed_on_its_way(value: object) -> str | None:
    """Say how Pulumi would change a number in its configuration."""
    if isinstance(value, float) and value.is_integer():
        return f"{value} becomes {value:.0f} on its way through Pulumi; write {value:.0f}, or text in quotes"
    if isinstance(value, int) and abs(value) > _LARGEST_INTEGER:
        return f"Pulumi keeps whole numbers up to {_LARGEST_INTEGER}; write text in quotes {got(value)}"
    return None


def _service_problems(
    domain: str, index: int, service: DomainService, definition: ServiceDefinition, environment: Environment | None
) -> Iterator[Problem]:
    place = (SERVICES, index)
    yield from _role_problems(place, service, definition)
    if service.lose_data and service.lose_data.to != definition.version:
        text = f"expected {definition.version} {got(service.lose_data.to)}; remove lose_data, said of another downgrade"
        yield Problem((*place, "lose_data", "to"), text)
    yield from _config_problems(domain, (*place, "config"), service, definition)
    if environment is not None:
        for role, node in definition.nodes.items():
            if node.size not in environment.sizes:
                text = f"{role} nodes of {definition.service}: {unknown('size', node.size, environment.sizes)}"
                yield Problem((*place, "service"), f"{text} (environment {environment.name})")


def _role_problems(
    place: tuple[str | int, ...], service: DomainService, definition: ServiceDefinition
) -> Iterator[Problem]:
    named = {"nodes": [*service.nodes], "disks": [*service.disks], "rollout": [*service.rollout]}
    for key, role in [(key, role) for key, roles in named.items() for role in roles]:
        if role not in definition.nodes:
            yield Problem((*place, key, role), f"{service.reference} has {unknown('role', role, definition.nodes)}")
    yield from _disk_problems(place, service, definition)
    for role, rollout in service.rollout.items():
        if rollout.snapshot and role in definition.nodes and definition.nodes[role].disk is None:
            yield Problem((*place, "rollout", role, "snapshot"), NO_DISK)
    for role, number in service.nodes.items():
        node = definition.nodes.get(role)
        if node and not node.count.minimum <= number <= node.count.maximum:
            bounds = f"{node.count.minimum} to {node.count.maximum}"
            yield Problem((*place, "nodes", role), f"expected {bounds} nodes {got(number)}")


def _disk_problems(
    place: tuple[str | int, ...], service: DomainService, definition: ServiceDefinition
) -> Iterator[Problem]:
    for role, number in service.disks.items():
        node = definition.nodes.get(role)
        if node and node.disk is None:
            yield Problem((*place, "disks", role), NO_DISK)
        elif node and number < (nodes := service.nodes.get(role, node.count.default)):
            yield Problem((*place, "disks", role), f"expected at least {nodes}, the number of its nodes {got(number)}")


def _config_problems(
    domain: str, place: tuple[str | int, ...], service: DomainService, definition: ServiceDefinition
) -> Iterator[Problem]:
    for key, value in service.config.items():
        option = definition.config.get(key)
        if option is None:
            yield Problem((*place, key), f"{service.reference} has {unknown('configuration', key, definition.config)}")
        elif option.secret:
            command = secret_command(domain, definition.service, key)
            yield Problem((*place, key), f"is a secret; give it with {command}")
        elif problem := value_problem(option, value):
            yield Problem((*place, key), problem)
    for key, option in definition.config.items():
        if not option.secret and option.default is None and key not in service.config:
            yield Problem((*place, key), f"is required: {service.reference} has no default for it")


def _secret_problems(domain: DomainDefinition, definition: ServiceDefinition) -> Iterator[Problem]:
    given = domain.secrets.get(definition.service, ())
    secrets = {key: option for key, option in definition.config.items() if option.secret}
    for key in given:
        if key not in secrets:
            text = f"{definition.service} has {unknown('secret', key, secrets)}"
            yield Problem((SECRETS, definition.service, key), text)
    for key, option in secrets.items():
        if option.generate is None and key not in given:
            command = secret_command(domain.id, definition.service, key)
            yield Problem((SECRETS, definition.service, key), f"is required; give it with {command}")

"""Domain definitions as tests make and check them: all mistakes are raised at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainDefinition
from soop_components.model.domain_checks import all_problems
from soop_components.model.service import ServiceDefinition
from soop_components.reading.loader import read_domain
from soop_components.reading.mistakes import Mistakes


def check_domain(
    domain: DomainDefinition, definitions: Mapping[str, ServiceDefinition], label: str, *others: Any, **further: Any
) -> None:
    problems = all_problems(domain, definitions, *others, **further)
    if problems:
        raise InvalidInput(problem.line(label) for problem in problems)


def domain_from_config(
    domain: str, environment: object, services: object, secret_names: Mapping[str, Iterable[str]], label: str
) -> DomainDefinition:
    mistakes = Mistakes()
    return mistakes.finish(read_domain(domain, environment, services, {}, secret_names, label, mistakes)).model

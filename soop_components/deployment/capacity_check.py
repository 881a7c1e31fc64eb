"""Whether an environment has room for a domain beside its others: those that are defined, and those that only run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from soop_components.errors import InvalidInput, SoopError
from soop_components.machines.kinds import kind_of
from soop_components.model.capacity import Demand, capacity_problems, demand_of
from soop_components.model.domain import DomainDefinition, DomainService
from soop_components.model.environment import Capacity, Environment
from soop_components.model.names import Reference, listed
from soop_components.model.service import ServiceDefinition
from soop_components.project import Project
from soop_components.reading.loader import load_domain, load_service

Define = Callable[[Reference], ServiceDefinition]
"""Returns the service definition of a reference, or raises ``SoopError``."""
_SHOWN = 5
"""Gaps that a note names."""


def check_capacity(
    project: Project, domain: DomainDefinition, environment: Environment, define: Define, label: str
) -> tuple[str, ...]:
    """Raise ``InvalidInput`` if the environment has too little for the domain beside all others.

    A domain that runs counts also if nobody defines it any more. Returns notes on what could not be counted: somebody
    else's mistake is no reason to refuse this domain.
    """
    if environment.capacity == Capacity():
        return ()
    count = _Count(project, environment, define)
    in_environment = [id for id in project.domain_ids() if id.startswith(f"{environment.name}-")]
    others = {id: count.defined(id) for id in in_environment if id != domain.id}
    running = kind_of(environment.machines).existing(project, environment.name)
    undefined = {id: demand for id, demand in running.items() if id not in in_environment and id != domain.id}
    others |= undefined
    problems = capacity_problems(environment, domain.id, count.domain(domain), others)
    if problems:
        file = project.name_of(project.environments / f"{environment.name}.yaml")
        gone = (
            f"destroy what has no definition any more: soop destroy {' '.join(sorted(undefined))}; or "
            if undefined
            else ""
        )
        hint = f"{gone}ask for fewer nodes, destroy a domain and delete its definition, or raise `capacity:` in {file}"
        raise InvalidInput([f"{label}: soop:services: {problem}" for problem in problems], hint)
    return count.notes()


@dataclass
class _Count:
    """Counts what domains take, and remembers what could not be counted."""

    project: Project
    environment: Environment
    define: Define
    gaps: list[str] = field(default_factory=list)

    def domain(self, domain: DomainDefinition) -> Demand:
        return sum((self._service(service, domain.id) for service in domain.services), Demand())

    def defined(self, id: str) -> Demand:
        path = self.project.domain_file(id)
        label = self.project.name_of(path)
        try:
            return self.domain(load_domain(path, id, label))
        except SoopError:
            self.gaps.append(f"{label} has mistakes")
            return Demand()

    def _service(self, service: DomainService, domain: str) -> Demand:
        definition = None
        try:
            definition = self.define(service.reference)
        except SoopError:
            definition = self._source(service.reference.service)
            if definition is None:
                self.gaps.append(f"{service.reference} of {domain} is not in the store")
        return demand_of(service, definition, self.environment)

    def _source(self, service: str) -> ServiceDefinition | None:
        """Return what a service that was not built yet will take, by its source."""
        folder = self.project.service_defs / service
        try:
            return load_service(folder, self.project.name_of(folder))
        except SoopError:
            return None

    def notes(self) -> tuple[str, ...]:
        if not self.gaps:
            return ()
        name, gaps = self.environment.name, listed(self.gaps, _SHOWN)
        return (f"the capacity of environment {name} may be exceeded, not all could be counted: {gaps}",)

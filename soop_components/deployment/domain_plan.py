"""From a domain's configuration to its plan: read the environment and the artifacts, check everything, plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from soop_components.artifact.base_image import SUITES
from soop_components.artifact.store import Artifact, Store
from soop_components.deployment.capacity_check import check_capacity
from soop_components.deployment.environment_file import load_environment
from soop_components.errors import InvalidInput, SoopError
from soop_components.machines import Kind, no_snapshots
from soop_components.machines.kinds import kind_of
from soop_components.model.domain import ACCESSIBILITY, SERVICES, DomainDefinition
from soop_components.model.domain_checks import all_problems
from soop_components.model.environment import Environment
from soop_components.model.names import Reference
from soop_components.model.problem import Problem, unknown
from soop_components.model.service import RolloutSettings, ServiceDefinition
from soop_components.model.service_plan import DomainPlan
from soop_components.model.size import bytes_of
from soop_components.planning.domain import Definition, plan_domain
from soop_components.project import Project
from soop_components.reading.loader import domain_from_document, read_domain
from soop_components.reading.mistakes import Mistakes
from soop_components.reading.partial import Partial
from soop_components.reading.yaml_file import read_yaml


def load_domain_plan(
    project: Project,
    id: str,
    *,
    environment: object,
    services: object,
    optional: Mapping[str, object],
    secret_names: Mapping[str, Iterable[str]],
) -> DomainPlan:
    """Plan the domain ``id`` out of its stack's configuration values. ``InvalidInput`` has all mistakes."""
    path = project.domain_file(id)
    label = project.name_of(path)
    mistakes = Mistakes()
    mistakes.attempt(lambda: _check_as_written(path, id, label))
    read = read_domain(id, environment, services, optional, secret_names, label, mistakes)
    if read is None and isinstance(environment, str):
        mistakes.attempt(lambda: _environment(project, environment, label))
    return _plan_of(project, mistakes.require(read), label, mistakes)


def plan_of(project: Project, domain: DomainDefinition, label: str, avoided: Collection[str] = ()) -> DomainPlan:
    """Plan a domain definition; ``label`` names its file in messages, ``avoided`` are nodes that get no requests."""
    return _plan_of(project, Partial(domain), label, Mistakes(), avoided)


def _plan_of(
    project: Project,
    read: Partial[DomainDefinition],
    label: str,
    mistakes: Mistakes,
    avoided: Collection[str] = (),
) -> DomainPlan:
    """Plan a domain that was read without mistakes; else raise them with all that checking the rest of it finds."""
    domain = read.model
    found = mistakes.attempt(lambda: _environment(project, domain.environment, label))
    store = Store.of(project)
    artifacts, problems = _artifacts(store, domain, mistakes)
    definitions = {name: artifact.definition for name, artifact in artifacts.items()}
    problems += _snapshot_problems(domain, definitions, found)
    if found is not None:
        kind = kind_of(found.machines)
        problems += _base_problems(project, domain, definitions, found, kind)
        problems += _access_problems(domain, definitions, found, kind)
    problems += all_problems(domain, definitions, found, lambda: [entry.reference for entry in store.list()])
    mistakes.problems += [problem.line(label) for problem in read.certain(problems)]
    environment = mistakes.finish(found)

    known = {artifact.reference: artifact.definition for artifact in artifacts.values()}

    @cache
    def define(reference: Reference) -> ServiceDefinition:
        return known.get(reference) or store.open(reference).definition

    notes = (*check_capacity(project, domain, environment, define, label), *_not_enforced(project, environment))
    opened = {name: Definition(artifact.resolved, artifact.digest) for name, artifact in artifacts.items()}
    plan = replace(plan_domain(domain, environment, opened, avoided), notes=notes)
    _refuse_lack_of_room(project, plan, label)
    return plan


def _refuse_lack_of_room(project: Project, plan: DomainPlan, label: str) -> None:
    """Raise ``InvalidInput`` where machines are made on a host that has too little for them."""
    sizes = plan.environment.sizes
    nodes = [node for service in plan.services for node in service.nodes.values()]
    memory = {node.name: bytes_of(sizes[node.size].memory) for node in nodes}
    if problem := kind_of(plan.environment.machines).room_problem(project, plan.environment, memory):
        hint = "ask for fewer nodes or smaller sizes, or make room there"
        raise InvalidInput([f"{label}: soop:services: {problem}"], hint)


def _check_as_written(path: Path, id: str, label: str) -> None:
    """Refuse what the engine lets pass and configuration values do not show: tags, unknown keys, secrets in plain text.

    The values of a stack may come from elsewhere; its file is looked at if it says anything of ours.
    """
    if path.exists():
        document = read_yaml(path, label)
        config = document.data.get("config") if isinstance(document.data, dict) else None
        if isinstance(config, dict) and any(str(key).startswith("soop:") for key in config):
            domain_from_document(id, document, label)


def _environment(project: Project, name: str, label: str) -> Environment:
    path = project.environments / f"{name}.yaml"
    if not path.exists():
        known = sorted(each.stem for each in project.environments.glob("*.yaml"))
        have = f"there are {', '.join(known)}" if known else "there are none yet"
        folder = project.name_of(path.parent)
        raise InvalidInput([f"{label}: soop:environment: no environment {name!r} in {folder}; {have}"])
    return load_environment(path, project.name_of(path))


def _snapshot_problems(
    domain: DomainDefinition, definitions: Mapping[str, ServiceDefinition], environment: Environment | None
) -> Iterator[Problem]:
    """Yield the services that ask for snapshots of disks where machines have none."""
    if environment is None or kind_of(environment.machines).has_snapshots:
        return
    always = environment.reliability.snapshots.before_upgrade
    for index, service in enumerate(domain.services):
        definition = definitions.get(service.reference.service)
        for role, node in definition.nodes.items() if definition else ():
            asked = node.rollout.overridden_by(service.rollout.get(role, RolloutSettings())).snapshot
            if node.disk and (asked or always):
                who = f"environment {environment.name} asks" if always else f"{role} nodes ask"
                text = f"{who} for a snapshot before an upgrade: {no_snapshots(environment.machines)}"
                yield Problem((SERVICES, index, "service"), text)


def _base_problems(
    project: Project,
    domain: DomainDefinition,
    definitions: Mapping[str, ServiceDefinition],
    environment: Environment,
    kind: Kind,
) -> Iterator[Problem]:
    """Yield the services whose base image an environment does not have; each image is looked at once."""
    problem_of = cache(partial(kind.base_problem, project, environment))
    for index, service in enumerate(domain.services):
        definition = definitions.get(service.reference.service)
        problem = problem_of(definition.base) if definition else None
        if problem:
            yield Problem((SERVICES, index, "service"), problem)


def _access_problems(
    domain: DomainDefinition, definitions: Mapping[str, ServiceDefinition], environment: Environment, kind: Kind
) -> Iterator[Problem]:
    """Yield public endpoints that a service does not have, and domains that cannot be let in."""
    for index, service in enumerate(domain.services):
        definition = definitions.get(service.reference.service)
        for each in environment.accessibility.public if definition else ():
            name, _, endpoint = each.partition(".")
            if definition and name == definition.service and endpoint not in definition.endpoints:
                what = unknown("endpoint", endpoint, definition.endpoints)
                text = f"{service.reference} has {what}, which environment {environment.name} makes public"
                yield Problem((SERVICES, index, "service"), text)
    for index, other in enumerate(domain.accessibility.from_):
        problem = kind.admission_problem(environment, other)
        if problem:
            yield Problem((ACCESSIBILITY, "from", index), problem)


def _not_enforced(project: Project, environment: Environment) -> Iterator[str]:
    """Yield what an environment asks for and nobody sees to, so that nobody relies on it."""
    asked = {
        "reliability.spread": environment.reliability.spread,
        "accessibility.public": environment.accessibility.public,
        "accessibility.allow_from": environment.accessibility.allow_from,
        "security.require_promotion_from": environment.security.require_promotion_from,
        "security.ssh_from": environment.security.ssh_from,
    }
    enforced = kind_of(environment.machines).enforces
    keys = [key for key, value in asked.items() if value and key not in enforced]
    if keys:
        file = project.name_of(project.environments / f"{environment.name}.yaml")
        yield f"{file}: not enforced yet: {', '.join(keys)}"


def _artifacts(store: Store, domain: DomainDefinition, mistakes: Mistakes) -> tuple[dict[str, Artifact], list[Problem]]:
    """Return the artifacts of the domain's services that can be had, and what is wrong with the others."""
    artifacts: dict[str, Artifact] = {}
    problems: list[Problem] = []
    for index, service in enumerate(domain.services):
        try:
            artifact = store.open_whole(service.reference)
            artifacts[service.reference.service] = artifact
            base = artifact.definition.base
            if base not in SUITES:
                problems.append(Problem((SERVICES, index, "service"), unknown("base image", base, SUITES)))
        except SoopError as error:
            problems.append(Problem((SERVICES, index, "service"), error.message))
            mistakes.advise(error.hint)
    return artifacts, problems

"""Reads service definitions, domain definitions and environments, and notes every mistake in them at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from soop_components.errors import InvalidInput
from soop_components.model.domain import ACCESSIBILITY, ENVIRONMENT, ID, SECRETS, SERVICES, TOGETHER, DomainDefinition
from soop_components.model.domain_checks import domain_problems, secret_command
from soop_components.model.names import did_you_mean, shown
from soop_components.model.paths import path_problem
from soop_components.model.problem import Problem, got
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_checks import service_problems
from soop_components.reading.mistakes import Mistakes
from soop_components.reading.partial import AnyModel, Partial, partial_model, validated
from soop_components.reading.problems import problems_of
from soop_components.reading.yaml_file import MAXIMUM_PROBLEMS, Document, read_yaml

OPTIONAL = (TOGETHER, ACCESSIBILITY)
"""Keys of a domain definition that may be missing."""
_KEYS = (ENVIRONMENT, SERVICES, *OPTIONAL, SECRETS)


def load_service(folder: Path, label: str) -> ServiceDefinition:
    """Load ``service.yaml`` of a folder; ``label`` is the folder's name in messages."""
    mistakes = Mistakes()
    return mistakes.finish(read_service(folder, label, mistakes)).model


def read_service(folder: Path, label: str, mistakes: Mistakes) -> Partial[ServiceDefinition] | None:
    """Return what could be read of ``service.yaml``, and note all mistakes that the file can be seen to have."""
    name = f"{label.rstrip('/')}/service.yaml"

    def problems(definition: ServiceDefinition) -> list[Problem]:
        return [*service_problems(definition), *_missing_scripts(folder, definition)]

    return read_model(ServiceDefinition, read_yaml(folder / "service.yaml", name), name, mistakes, problems)


def _missing_scripts(folder: Path, definition: ServiceDefinition) -> Iterator[Problem]:
    for place, path in definition.programs.items():
        if not path_problem(path) and not os.path.isfile(folder / path):
            yield Problem(place, f"no such file {got(path)}")


def load_domain(path: Path, id: str, label: str) -> DomainDefinition:
    """Load a domain definition out of a stack's configuration, ``Pulumi.<domain>.yaml``; secrets stay sealed."""
    return domain_from_document(id, read_yaml(path, label), label)


def domain_from_document(domain: str, document: Document, label: str) -> DomainDefinition:
    """Make a domain definition of what its file says; ``label`` is the file's name in messages."""
    config = document.data.get("config") if isinstance(document.data, dict) else None
    if not isinstance(config, dict):
        raise InvalidInput([*document.problems, f"{label}: config: expected a mapping with {', '.join(_KEYS)}"])
    mistakes = Mistakes()
    mistakes.problems += document.problems
    found = (*document.respelled, *document.no_text_to_pulumi)
    ours = [each for each in found if each.keys[0] == "config" and str(each.keys[1]).startswith("soop:")]
    mistakes.problems += [replace(problem, keys=problem.keys[1:]).line(label) for problem in ours]
    for key in config:
        if str(key).startswith("soop:") and key not in _KEYS:
            meant = did_you_mean(key, _KEYS) or f"expected {', '.join(_KEYS)}"
            mistakes.problems.append(f"{label}: {shown(key)}: unknown key; {meant}")
    names, plain = _secret_names(domain, config.get(SECRETS))
    mistakes.problems += [problem.line(label) for problem in plain]
    optional = {key: config.get(key) for key in OPTIONAL}
    read = read_domain(domain, config.get(ENVIRONMENT), config.get(SERVICES), optional, names, label, mistakes)
    return mistakes.finish(read).model


def read_domain(
    domain: str,
    environment: object,
    services: object,
    optional: Mapping[str, object],
    secret_names: Mapping[str, Iterable[str]],
    label: str,
    mistakes: Mistakes,
) -> Partial[DomainDefinition] | None:
    """Return what could be read of a stack's configuration values, and note all mistakes they can be seen to have.

    ``optional`` are the values of ``OPTIONAL``, None where nothing is said.
    """
    secrets = {service: tuple(keys) for service, keys in secret_names.items()}
    data = {ID: domain, ENVIRONMENT: environment, SERVICES: services, SECRETS: secrets}
    data |= {key: value for key, value in optional.items() if value is not None}
    return read_model(DomainDefinition, Document(data), label, mistakes, domain_problems)


def _secret_names(domain: str, secrets: object) -> tuple[dict[str, list[str]], list[Problem]]:
    """Return the names of the secrets that a stack's configuration holds, and what is there in plain text."""
    names: dict[str, list[str]] = {}
    if secrets is None:
        return names, []
    if not isinstance(secrets, dict) or "secure" in secrets:
        return names, [Problem((SECRETS,), "expected services, each with its secrets by name")]
    problems = []
    for service, values in secrets.items():
        if not isinstance(values, dict):
            problems.append(Problem((SECRETS, service), f"expected a mapping of secrets by name {got(values)}"))
            continue
        for key, value in values.items():
            if not (isinstance(value, dict) and set(value) == {"secure"}):
                command = secret_command(domain, str(service), str(key))
                problems.append(Problem((SECRETS, service, key), f"is not encrypted; give it with {command}"))
        names[service] = list(values)
    return names, problems


def load_model(
    model: type[AnyModel],
    document: Document,
    label: str,
    check: Callable[[AnyModel], list[Problem]] = lambda _: [],
) -> AnyModel:
    """Make a model of a document; ``check`` finds what the types cannot say."""
    mistakes = Mistakes()
    return mistakes.finish(read_model(model, document, label, mistakes, check)).model


def read_model(
    model: type[AnyModel],
    document: Document,
    label: str,
    mistakes: Mistakes,
    check: Callable[[AnyModel], list[Problem]] = lambda _: [],
) -> Partial[AnyModel] | None:
    """Return what could be read of a document, and note all mistakes in it."""
    data = {} if document.data is None else document.data
    problems: list[Problem] = []
    try:
        partial: Partial[AnyModel] | None = Partial(validated(model, data))
    except ValidationError as error:
        problems = problems_of(error, model)
        further = error.error_count() - MAXIMUM_PROBLEMS
        partial = partial_model(model, data, problems) if further <= 0 else None
        problems += [Problem((), f"{further} more mistakes")] if further > 0 else []
    if partial is not None:
        problems += partial.certain(check(partial.model))
    problems = [*document.respelled, *problems]
    mistakes.problems += [*document.problems, *(problem.line(label) for problem in problems)]
    return partial

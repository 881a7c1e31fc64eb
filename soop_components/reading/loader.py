"""Reads service definitions, domain definitions and environments, and tells every mistake in them at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainDefinition
from soop_components.model.domain_checks import ENVIRONMENT, SECRETS, SERVICES, domain_problems, secret_command
from soop_components.model.environment import Environment
from soop_components.model.names import nearest, shown
from soop_components.model.paths import path_problem
from soop_components.model.service import ServiceDefinition
from soop_components.model.service_checks import service_problems
from soop_components.reading.partial import Remainder, remainder
from soop_components.reading.problems import Problem, got, problems_of
from soop_components.reading.yaml_file import MAXIMUM_PROBLEMS, Document, read_yaml

Anything = TypeVar("Anything")
AnyModel = TypeVar("AnyModel", bound=BaseModel)
_KEYS = (ENVIRONMENT, SERVICES, SECRETS)


class Mistakes:
    """Gathers the mistakes of several inputs, so that people see all of them at once."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self._hints: list[str] = []

    def attempt(self, read: Callable[[], Anything]) -> Anything | None:
        """Return what ``read`` returns, or None after noting the mistakes that it found."""
        try:
            return read()
        except InvalidInput as error:
            self.problems += error.problems
            self.advise(error.hint)
            return None

    def advise(self, hint: str | None) -> None:
        """Note what can be done about a mistake."""
        if hint:
            self._hints.append(hint)

    def found(self, what: Anything | None) -> Anything:
        """Return what was read; if nothing could be, raise the mistakes that kept it from being read."""
        if what is None:
            self.raise_if_any()
            raise ValueError("nothing was read, and nothing says why")
        return what

    def raise_if_any(self) -> None:
        """Raise one ``InvalidInput`` with all mistakes noted so far."""
        if self.problems:
            raise InvalidInput(dict.fromkeys(self.problems), "\n  ".join(dict.fromkeys(self._hints)) or None)


def load_service(folder: Path, label: str) -> ServiceDefinition:
    """Load ``service.yaml`` of a folder; ``label`` is the folder's name in messages."""
    return _whole(*read_service(folder, label))


def read_service(folder: Path, label: str) -> tuple[Remainder[ServiceDefinition] | None, list[str]]:
    """Return what could be read of ``service.yaml``, and all mistakes that the file can be seen to have."""
    name = f"{label.rstrip('/')}/service.yaml"

    def problems(definition: ServiceDefinition) -> list[Problem]:
        return [*service_problems(definition), *_missing_scripts(folder, definition)]

    return read_model(ServiceDefinition, read_yaml(folder / "service.yaml", name), name, problems)


def _missing_scripts(folder: Path, definition: ServiceDefinition) -> Iterator[Problem]:
    for index, test in enumerate(definition.smoke_tests):
        if test.script is not None and not path_problem(test.script) and not os.path.isfile(folder / test.script):
            yield Problem(("smoke_tests", index, "script"), f"no such file {got(test.script)}")


def load_environment(path: Path, label: str) -> Environment:
    """Load an environment; the file's name is the environment's."""
    document = read_yaml(path, label)
    if document.data is None:
        document.data = {}
    if isinstance(document.data, dict):
        if "name" in document.data:
            document.problems.append(f"{label}: name: the file's name is the environment's name; leave it out")
        document.data["name"] = path.stem
    return load_model(Environment, document, label)


def load_domain(path: Path, label: str) -> DomainDefinition:
    """Load a domain definition out of a stack's configuration, ``Pulumi.<domain>.yaml``; secrets stay sealed."""
    return domain_from_document(path.name.removeprefix("Pulumi.").removesuffix(".yaml"), read_yaml(path, label), label)


def domain_from_document(domain: str, document: Document, label: str) -> DomainDefinition:
    """Make a domain definition of what its file says; ``label`` is the file's name in messages."""
    config = document.data.get("config") if isinstance(document.data, dict) else None
    if not isinstance(config, dict):
        raise InvalidInput([*document.problems, f"{label}: config: expected a mapping with {', '.join(_KEYS)}"])
    problems = document.problems
    for key in config:
        if str(key).startswith("soop:") and key not in _KEYS:
            meant = nearest(key, _KEYS) or f"; expected {', '.join(_KEYS)}"
            problems.append(f"{label}: {shown(key)}: unknown key{meant}")
    names, sealed = _sealed_names(domain, config.get(SECRETS))
    problems += [problem.line(label) for problem in sealed]
    mistakes = Mistakes()
    mistakes.problems += problems
    loaded = mistakes.attempt(
        lambda: domain_from_config(domain, config.get(ENVIRONMENT), config.get(SERVICES), names, label)
    )
    mistakes.raise_if_any()
    return mistakes.found(loaded)


def domain_from_config(
    domain: str, environment: object, services: object, secret_names: Mapping[str, Iterable[str]], label: str
) -> DomainDefinition:
    """Make a domain definition of a stack's configuration values; ``label`` names their origin in messages."""
    return _whole(*read_domain(domain, environment, services, secret_names, label))


def read_domain(
    domain: str, environment: object, services: object, secret_names: Mapping[str, Iterable[str]], label: str
) -> tuple[Remainder[DomainDefinition] | None, list[str]]:
    """Return what could be read of a stack's configuration values, and all mistakes they can be seen to have."""
    data = {
        "id": domain,
        "environment": environment,
        "services": services,
        "secrets": {service: tuple(keys) for service, keys in secret_names.items()},
    }
    return read_model(DomainDefinition, Document(data), label, domain_problems, stack_keys)


def stack_keys(problem: Problem) -> Problem:
    """Name a mistake's place as the stack's configuration does."""
    names = {"environment": ENVIRONMENT, "services": SERVICES, "secrets": SECRETS, "id": "the stack's name"}
    first = names.get(str(problem.keys[0])) if problem.keys else None
    return Problem((first, *problem.keys[1:]), problem.text) if first else problem


def _sealed_names(domain: str, secrets: object) -> tuple[dict[str, list[str]], list[Problem]]:
    """Return which secrets a stack's configuration holds, and what is there in plain text."""
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
    rename: Callable[[Problem], Problem] = lambda problem: problem,
) -> AnyModel:
    """Make a model of a document; ``check`` finds what the types cannot say."""
    return _whole(*read_model(model, document, label, check, rename))


def _whole(left: Remainder[AnyModel] | None, problems: list[str]) -> AnyModel:
    """Return what was read if all of it was right; else raise ``InvalidInput`` with the mistakes."""
    if problems or left is None:
        raise InvalidInput(problems)
    return left.value


def read_model(
    model: type[AnyModel],
    document: Document,
    label: str,
    check: Callable[[AnyModel], list[Problem]] = lambda _: [],
    rename: Callable[[Problem], Problem] = lambda problem: problem,
) -> tuple[Remainder[AnyModel] | None, list[str]]:
    """Return what could be read of a document, and all mistakes in it."""
    problems: list[Problem] = []
    data = {} if document.data is None else document.data
    left: Remainder[AnyModel] | None = None
    try:
        left = Remainder(model.model_validate(data))
    except ValidationError as error:
        problems = problems_of(error, model)
        untold = error.error_count() - MAXIMUM_PROBLEMS
        left = remainder(model, data, problems) if untold <= 0 else None
        problems += [Problem((), f"{untold} more mistakes")] if untold > 0 else []
    if left is not None:
        problems += left.independent(check(left.value), rename)
    return left, [*document.problems, *(rename(problem).line(label) for problem in problems)]

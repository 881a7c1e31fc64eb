"""The configuration of a service in a domain: defaults, what the domain overrides, and marks for secrets."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.errors import InvalidInput, SoopError
from soop_components.model.service import ConfigOption, ServiceDefinition
from soop_components.planning.marks import secret_mark
from soop_components.planning.nearest import nearest
from soop_components.planning.pattern import matches

_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}


def merge(
    definition: ServiceDefinition, overrides: Mapping[str, object], given: tuple[str, ...], where: str
) -> dict[str, object]:
    """Return the value of every configuration key; secrets are marks. ``InvalidInput`` tells all mistakes.

    ``given`` are the secrets that the domain gives itself; ``where`` is the domain definition's file and key.
    """
    service = definition.service
    problems = [
        f"{where}.{key}: {service} has no such configuration; {nearest(key, definition.config)}"
        for key in overrides.keys() - definition.config.keys()
    ]
    problems += [
        f"soop:secrets.{service}.{key}: {service} has no such secret; {nearest(key, _secrets(definition))}"
        for key in given
        if key not in _secrets(definition)
    ]
    values: dict[str, object] = {}
    for key, option in definition.config.items():
        if option.secret:
            problem = _secret_problem(service, key, option, key in overrides, key in given)
            values[key] = secret_mark(key)
        else:
            values[key] = overrides.get(key, option.default)
            problem = value_problem(option, values[key])
        if problem:
            problems.append(f"{where}.{key}: {problem}")
    if problems:
        raise InvalidInput(sorted(problems))
    return values


def value_problem(option: ConfigOption, value: object) -> str | None:
    """Say why a value does not fit an option."""
    if value is None:
        return "has no default; the domain must give a value"
    if not isinstance(value, _TYPES[option.type]) or (isinstance(value, bool) and option.type != "boolean"):
        return f"expected {option.type}, not {value!r}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        if option.minimum is not None and value < option.minimum:
            return f"expected at least {option.minimum:g}, not {value}"
        if option.maximum is not None and value > option.maximum:
            return f"expected at most {option.maximum:g}, not {value}"
    if option.pattern is not None and isinstance(value, str):
        try:
            if not matches(option.pattern, value):
                return f"expected text that matches {option.pattern!r}, not {value!r}"
        except SoopError as error:
            return f"pattern: {error}"
    return None


def _secrets(definition: ServiceDefinition) -> list[str]:
    return [key for key, option in definition.config.items() if option.secret]


def _secret_problem(service: str, key: str, option: ConfigOption, overridden: bool, given: bool) -> str | None:
    command = f"pulumi config set --secret --path 'soop:secrets.{service}.{key}'"
    if overridden:
        return f"is a secret and must not be written in plain text; give it with {command}"
    if option.default is not None:
        return "a secret cannot have a default, an artifact holds no secrets; use generate"
    if not given and option.generate is None:
        return f"the domain must give this secret; {command}"
    return None


def secrets_used(definition: ServiceDefinition, keys: set[str], given: tuple[str, ...]) -> dict[str, int | None]:
    """Return the secrets that a plan refers to with the length to generate, None where the domain gives it."""
    return {key: None if key in given else definition.config[key].generate for key in sorted(keys)}

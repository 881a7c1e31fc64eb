"""The configuration of a service in a domain: defaults, what the domain overrides, and marks for secrets."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.model.service import ServiceDefinition
from soop_components.planning.marks import secret_mark


def merge(definition: ServiceDefinition, overrides: Mapping[str, object]) -> dict[str, object]:
    """Return the value of every configuration key; overrides are right already (``model/domain_checks.py``)."""
    return {
        key: secret_mark(key) if option.secret else overrides.get(key, option.default)
        for key, option in definition.config.items()
    }


def secrets_of(definition: ServiceDefinition, used: set[str], given: tuple[str, ...]) -> dict[str, int | None]:
    """Return the used secrets with the length to generate, None where the domain gives it."""
    return {key: None if key in given else definition.config[key].generate for key in sorted(used)}

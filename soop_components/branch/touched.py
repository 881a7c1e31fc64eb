"""Which domains a branch touches, decided by the paths that differ from its base."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from soop_components.model.names import Reference

Why = Literal["definition", "removed definition", "environment", "version", "source"]
_DEFINITION = re.compile(r"stacks/Pulumi\.([^/]+)\.yaml")
_ENVIRONMENT = re.compile(r"stacks/environments/([^/]+)\.yaml")
_SOURCE = re.compile(r"service_defs/([^/]+)/.+")


class DomainNames(NamedTuple):
    """What a domain definition names."""

    environment: str
    references: tuple[Reference, ...] = ()


class Touch(NamedTuple):
    """Why a domain is touched.

    The subject is the environment, or a reference: ``version`` of one that the branch brings, ``source`` of one that
    was there before with another source.
    """

    why: Why
    subject: str = ""


def touched(
    changed: Iterable[str],
    domains: Mapping[str, DomainNames],
    sources: Mapping[str, Reference],
    sources_before: Mapping[str, Reference],
) -> dict[str, tuple[Touch, ...]]:
    """Return the domains that changed paths touch, and why.

    ``domains`` are those of the branch; ``sources`` is, by folder of ``service_defs``, what it would be built as, and
    what it was before. The source of another version than a domain names does not touch it: what was built never
    changes.
    """
    found: dict[str, dict[Touch, None]] = {}
    for path in changed:
        if match := _DEFINITION.fullmatch(path):
            why: Why = "definition" if match[1] in domains else "removed definition"
            found.setdefault(match[1], {})[Touch(why)] = None
        elif match := _ENVIRONMENT.fullmatch(path):
            for id, names in domains.items():
                if names.environment == match[1]:
                    found.setdefault(id, {})[Touch("environment", match[1])] = None
        elif (match := _SOURCE.fullmatch(path)) and (built := sources.get(match[1])):
            for id, names in domains.items():
                if built in names.references:
                    is_same = sources_before.get(match[1]) == built
                    found.setdefault(id, {})[Touch("source" if is_same else "version", str(built))] = None
    return {id: tuple(found[id]) for id in sorted(found)}

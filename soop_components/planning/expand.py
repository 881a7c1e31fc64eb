"""Expansion of building blocks: what a component needs packed, and what it is on a node."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.errors import InvalidInput
from soop_components.model.block import Block, Parameter


def component_sources(block: Block, with_: Mapping[str, object]) -> set[str]:
    """Return the paths of the service definition that a component refers to; a folder ends in ``/``.

    They are the values of its parameters of type ``path``, as they are written: a template there is a mistake, since what is in an
    artifact cannot depend on a domain. ``InvalidInput`` names the parameters.
    """
    paths: set[str] = set()
    problems: list[str] = []
    for name, parameter in block.parameters.items():
        for path in _paths(parameter, with_.get(name, parameter.default)):
            problem = path_problem(path)
            if problem:
                problems.append(f"{name}: {problem}")
            else:
                paths.add(str(path))
    if problems:
        raise InvalidInput(problems)
    return paths


def path_problem(path: object) -> str | None:
    """Say why this is not a path inside a service definition."""
    if not isinstance(path, str) or not path:
        return f"expected a path of the service definition, not {path!r}"
    if "{{" in path or "{%" in path:
        return f"{path!r} is a template; what is packed cannot depend on a domain"
    if path.startswith(("/", "~")) or "\\" in path or "\0" in path:
        return f"{path!r} must be relative to the service definition"
    if any(part in ("", ".", "..") for part in path.removesuffix("/").split("/")):
        return f"{path!r} must not contain '.', '..' or empty parts"
    return None


def _paths(parameter: Parameter, value: object) -> list[object]:
    """Return what is a path in a parameter's value."""
    if value is None:
        return []
    if parameter.type == "path":
        return [value]
    if parameter.type == "list" and parameter.items == "path" and isinstance(value, list | tuple):
        return list(value)
    if parameter.type == "map" and isinstance(value, Mapping):
        found: list[object] = list(value.keys()) if parameter.keys == "path" else []
        return found + (list(value.values()) if parameter.items == "path" else [])
    return []


def component_packages(block: Block, with_: Mapping[str, object]) -> list[str]:
    """Return the names of the Debian packages that a component needs, sorted.

    They may depend on the component's parameters, but not on configuration, nodes or domain.
    """
    from soop_components.planning.parameters import build_time_packages

    return build_time_packages(block, with_)

"""What a component gives to its building block: checked against its parameters, completed with their defaults."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from soop_components.errors import InvalidInput, SoopError
from soop_components.model.block import Block, Parameter
from soop_components.model.names import shown
from soop_components.model.paths import path_problem
from soop_components.model.patterns import match_cost, matches
from soop_components.model.problem import Keys, got, unknown
from soop_components.planning import limits, marks
from soop_components.planning.place import Place
from soop_components.planning.scope import Scope
from soop_components.planning.templates import evaluate
from soop_components.reading.yaml_file import MAXIMUM_PROBLEMS

_TYPES = {"string": str, "path": str, "integer": int, "boolean": bool, "list": list, "map": dict, "any": object}


def parameters(
    block: Block, with_: Mapping[str, object], scope: Scope, where: Place, files: Collection[str] = ()
) -> dict[str, object]:
    """Return the value of each of the block's parameters; ``where`` is the component in the mistakes.

    A path that is a folder of ``files``, those of the service definition, ends in ``/``, however it was written.
    """
    problems = [
        f"{where.at('with', name)}: block {block.block} has {unknown('parameter', name, block.parameters)}"
        for name in sorted(with_.keys() - block.parameters.keys())[:MAXIMUM_PROBLEMS]
    ]
    values: dict[str, object] = {}
    for name, parameter in block.parameters.items():
        place = where.at("with", name)
        if parameter.required and with_.get(name) is None:
            what = parameter.summary or parameter.type
            problems.append(f"{place}: is missing; block {block.block} needs it ({what})")
        try:
            if with_.get(name) is not None:
                values[name] = evaluate(with_[name], scope, place)
            else:
                inside = where.in_block(block.block).at("parameters", name)
                values[name] = evaluate(parameter.default, {**scope, "params": values}, inside)
        except SoopError as error:
            problems.append(str(error))
            continue
        for part in parts_of(parameter, values[name]):
            problem = _problem(part)
            problems += [f"{place.at(*part.keys)}: {problem}"] if problem else []
        values[name] = _with_folders(parameter, values[name], files)
    if problems:
        raise InvalidInput(problems)
    return values


def _with_folders(parameter: Parameter, value: object, files: Collection[str]) -> object:
    """Return a value in which paths of folders end in ``/``."""

    def path(given: object) -> object:
        folder = str(given).rstrip("/") + "/"
        return folder if any(file.startswith(folder) for file in files) else given

    if parameter.type == "path" and value is not None:
        return path(value)
    if parameter.type == "list" and parameter.items == "path" and isinstance(value, list):
        return [path(item) for item in value]
    if parameter.type == "map" and isinstance(value, Mapping):
        pairs = ((path(key) if parameter.keys == "path" else key, item) for key, item in value.items())
        return {key: path(item) if parameter.items == "path" else item for key, item in pairs}
    return value


class ParameterPart(NamedTuple):
    """A value that is given to a parameter, or one in it: where it is, and what it must be."""

    keys: Keys
    type: str
    value: object
    pattern: str | None


def parts_of(parameter: Parameter, value: object) -> list[ParameterPart]:
    """Return a value that is not none, and the items of a list, or the keys and items of a map."""
    if value is None:
        return []
    found = [ParameterPart((), parameter.type, value, parameter.pattern)]
    if parameter.type == "list" and isinstance(value, list | tuple):
        listed = enumerate(value)
        found += [ParameterPart((index,), parameter.items, item, parameter.pattern) for index, item in listed]
    if parameter.type == "map" and isinstance(value, Mapping):
        found += [ParameterPart((key,), parameter.keys, key, parameter.pattern) for key in value]
        found += [ParameterPart((key,), parameter.items, item, None) for key, item in value.items()]
    return found


def _problem(part: ParameterPart) -> str | None:
    _, type_, value, pattern = part
    if not isinstance(value, _TYPES[type_]) or (isinstance(value, bool) and type_ not in ("boolean", "any")):
        return f"expected {type_} {got(value)}"
    if type_ == "path":
        return path_problem(value)
    if pattern is None or not isinstance(value, str):
        return None
    if marks.holds_secret(value):
        return f"expected text that matches {shown(pattern)}, not a secret"
    plain = marks.MARK.sub("x", marks.unmarked(value))
    if match_cost(pattern, plain) > limits.SERVICE_STEPS:
        return f"the text is too long to be matched with {shown(pattern)}"
    try:
        limits.check(0)
    except limits.Refused as error:
        return str(error)
    return None if matches(pattern, plain) else f"expected text that matches {shown(pattern)} {got(value)}"

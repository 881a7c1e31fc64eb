"""What a component gives to its building block: checked against its parameters, completed with their defaults."""

from __future__ import annotations

from collections.abc import Mapping

from soop_components.errors import InvalidInput, SoopError
from soop_components.model.block import Block, Parameter
from soop_components.model.names import shown
from soop_components.model.paths import path_problem
from soop_components.model.patterns import match_cost, matches
from soop_components.model.problem import got, unknown
from soop_components.planning import guard, marks
from soop_components.planning.scope import Scope
from soop_components.planning.templates import evaluate
from soop_components.reading.yaml_file import MAXIMUM_PROBLEMS

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "path": (str,),
    "integer": (int,),
    "boolean": (bool,),
    "list": (list, tuple),
    "map": (dict,),
    "any": (object,),
}


def parameters(block: Block, with_: Mapping[str, object], scope: Scope, where: str) -> dict[str, object]:
    """Return the value of each of the block's parameters; ``where`` names the component in the mistakes told."""
    problems = declared_problems(block, with_, where)
    values: dict[str, object] = {}
    for name, parameter in block.parameters.items():
        place = f"{where}.with.{name}"
        try:
            if with_.get(name) is not None:
                values[name] = evaluate(with_[name], scope, place)
            else:
                around = {**scope, "params": values}
                values[name] = evaluate(parameter.default, around, f"{where} (block {block.block}): parameters.{name}")
        except SoopError as error:
            problems.append(str(error))
            continue
        if values[name] is not None:
            problems += [f"{place}{problem}" for problem in value_problems(parameter, values[name])]
    if problems:
        raise InvalidInput(problems)
    return values


def declared_problems(block: Block, with_: Mapping[str, object], where: str) -> list[str]:
    """Return which parameters are unknown or missing."""
    problems = [
        f"{where}.with.{shown(name)}: block {block.block} has {unknown('parameter', name, block.parameters)}"
        for name in sorted(with_.keys() - block.parameters.keys())[:MAXIMUM_PROBLEMS]
    ]
    problems += [
        f"{where}.with.{shown(name)}: is missing; block {block.block} needs it ({parameter.summary or parameter.type})"
        for name, parameter in block.parameters.items()
        if parameter.required and with_.get(name) is None
    ]
    return sorted(problems)


def value_problems(parameter: Parameter, value: object) -> list[str]:
    """Return what is wrong with a value that is not none, each after the key it is at (``.key: …`` or ``: …``)."""
    problem = _scalar_problem(
        parameter.type, value, parameter.pattern if parameter.type in ("string", "path") else None
    )
    if problem:
        return [f": {problem}"]
    found: list[tuple[str, str | None]] = []
    if parameter.type == "list" and isinstance(value, list | tuple):
        found = [
            (f"[{index}]", _scalar_problem(parameter.items, item, parameter.pattern))
            for index, item in enumerate(value)
        ]
    if parameter.type == "map" and isinstance(value, Mapping):
        found = [(f".{shown(key)}", _scalar_problem(parameter.keys, key, parameter.pattern)) for key in value]
        found += [(f".{shown(key)}", _scalar_problem(parameter.items, item, None)) for key, item in value.items()]
    return [f"{place}: {problem}" for place, problem in found if problem]


def _scalar_problem(type_: str, value: object, pattern: str | None) -> str | None:
    if not isinstance(value, _TYPES[type_]) or (isinstance(value, bool) and type_ not in ("boolean", "any")):
        return f"expected {type_} {got(value)}"
    if type_ == "path":
        return path_problem(value)
    if pattern is None or not isinstance(value, str):
        return None
    if marks.holds_secret(value):
        return f"expected text that matches {shown(pattern)}, not a secret"
    try:
        fits = _matches(pattern, marks.MARK.sub("x", marks.unmarked(value)))
    except guard.Refused as error:
        return str(error)
    return None if fits else f"expected text that matches {shown(pattern)} {got(value)}"


def _matches(pattern: str, value: str) -> bool:
    """Match a text once, however many roles have it, and pay for that."""
    known, key = guard.read(), ("match", pattern, value)
    if key not in known:
        guard.pay_together(match_cost(pattern, value))
        known[key] = matches(pattern, value)
    return bool(known[key])

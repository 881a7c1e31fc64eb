"""The parts of a building block, evaluated: no template is left in them, and those whose ``when`` is false are gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from soop_components.errors import InvalidInput, SoopError
from soop_components.model.base import Model
from soop_components.model.parts import Part, TreePart
from soop_components.planning.filters import text
from soop_components.planning.marks import unmarked
from soop_components.planning.place import Place
from soop_components.planning.scope import Scope
from soop_components.planning.templates import evaluate, render
from soop_components.reading.problems import problems_of

M = TypeVar("M", bound=Model)
P = TypeVar("P", bound=Part)


def named_parts(section: Mapping[str, P] | str, kind: type[P], scope: Scope, where: Place) -> dict[str, P]:
    """Return the parts of a mapping by name; two of one name are a mistake."""
    found: dict[str, P] = {}
    for name, data in _named_data(section, scope, where):
        place = where.at(name)
        part = validated(kind, data, place)
        if part.when is not False:
            if name in found:
                raise SoopError(f"{place}: is there twice")
            found[name] = part
    return found


def _named_data(section: Mapping[str, Part] | str, scope: Scope, where: Place) -> Iterator[tuple[str, object]]:
    if isinstance(section, str):
        yield from _mapping(section, scope, where).items()
        return
    for name, part in section.items():
        data = _evaluated(part, scope, where.at(name))
        if data is not None:
            yield unmarked(render(name, scope, where)), data


def listed_parts(section: Sequence[P | str] | str, kind: type[P], field: str, scope: Scope, where: Place) -> list[P]:
    """Return the parts of a list; a text is a part with just that ``field``, an expression may yield several."""
    found: list[P] = []
    for index, item in enumerate([section] if isinstance(section, str) else section):
        place = where.at(index)
        data = evaluate(item, scope, place) if isinstance(item, str) else _evaluated(item, scope, place)
        for each in data if isinstance(data, list) else [] if data is None else [data]:
            part = validated(kind, {field: each} if isinstance(each, str) else each, place)
            found += [part] if part.when is not False else []
    return found


def tree_parts(section: Sequence[TreePart] | str, scope: Scope, where: Place) -> list[TreePart]:
    """Return the parts of a list of trees; an expression instead of the list maps sources to destinations."""
    if not isinstance(section, str):
        return listed_parts(section, TreePart, "source", scope, where)
    computed = _mapping(section, scope, where)
    if not all(isinstance(destination, str) for destination in computed.values()):
        raise SoopError(f"{where}: expected a mapping of paths to paths")
    return [TreePart(source=source, destination=unmarked(to)) for source, to in computed.items()]


def answers(section: Mapping[str, str] | str, scope: Scope, where: Place) -> dict[str, str]:
    """Return what debconf is told, by question; ``Question`` says what the name of one is."""
    if isinstance(section, str):
        found = {key: text(value) for key, value in _mapping(section, scope, where).items()}
    else:
        found = {question: render(answer, scope, where.at(question)) for question, answer in section.items()}
    return {unmarked(question): unmarked(answer) for question, answer in found.items()}


def validated(model: type[M], data: object, where: Place) -> M:
    """Return the model that evaluated data describes; mistakes begin with ``where``."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(problem.line(str(where)) for problem in problems_of(error, model)) from None


def _mapping(expression: str, scope: Scope, where: Place) -> dict[str, Any]:
    computed = evaluate(expression, scope, where) or {}
    if not isinstance(computed, dict):
        raise SoopError(f"{where}: expected a mapping")
    return computed


def _evaluated(part: Part, scope: Scope, where: Place) -> dict[str, object] | None:
    """Return the data of a part; where an expression in a list has yielded a list, its items take its place."""
    if not evaluate(part.when, scope, where.at("when")):
        return None
    data = evaluate(part.model_dump(exclude_unset=True, exclude={"when"}), scope, where)
    return {
        key: [each for item in value for each in (item if isinstance(item, list) else [item])]
        if isinstance(value, list)
        else value
        for key, value in data.items()
    }

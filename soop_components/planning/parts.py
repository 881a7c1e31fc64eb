"""The parts of a building block, evaluated: no template is left in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from soop_components.errors import InvalidInput, SoopError
from soop_components.model.block import Part
from soop_components.model.names import shown
from soop_components.planning.marks import unmarked
from soop_components.planning.scope import Scope
from soop_components.planning.templates import evaluate, render
from soop_components.reading.problems import problems_of

P = TypeVar("P", bound=Part)


def named_parts(section: Mapping[str, P] | str, kind: type[P], scope: Scope, where: str) -> Iterator[tuple[str, P]]:
    """Yield the parts of a mapping with their names, those left out whose ``when`` is false."""
    if isinstance(section, str):
        computed = evaluate(section, scope, where) or {}
        if not isinstance(computed, dict):
            raise SoopError(f"{where}: expected a mapping")
        for name, part in computed.items():
            yield from ((name, found) for found in _finished(part, kind, f"{where}.{shown(name)}"))
        return
    for name, part in section.items():
        for found in _evaluated(part, kind, scope, f"{where}.{shown(name)}"):
            yield unmarked(render(name, scope, where)), found


def listed_parts(section: Sequence[P | str] | str, kind: type[P], field: str, scope: Scope, where: str) -> Iterator[P]:
    """Yield the parts of a list; a text is a part with just that ``field``, an expression may yield several."""
    for index, item in enumerate([section] if isinstance(section, str) else section):
        place = f"{where}[{index}]"
        if isinstance(item, str):
            computed = evaluate(item, scope, place)
            for found in computed if isinstance(computed, list) else [] if computed is None else [computed]:
                yield from _finished({field: found} if isinstance(found, str) else found, kind, place)
        else:
            yield from _evaluated(item, kind, scope, place)


def named_destinations(section: str, scope: Scope, where: str) -> list[tuple[str, str]]:
    """Return what an expression maps to what: sources to destinations."""
    computed = evaluate(section, scope, where) or {}
    if not isinstance(computed, dict) or not all(isinstance(value, str) for value in computed.values()):
        raise SoopError(f"{where}: expected a mapping of paths to paths")
    return [(source, unmarked(destination)) for source, destination in computed.items()]


def one_part(part: P, scope: Scope, where: str) -> P | None:
    """Return a part evaluated, or None if its ``when`` is false."""
    return next(_evaluated(part, type(part), scope, where), None)


def _evaluated(part: P, kind: type[P], scope: Scope, where: str) -> Iterator[P]:
    if evaluate(part.when, scope, f"{where}.when"):
        data = evaluate(part.model_dump(exclude_unset=True, exclude={"when"}), scope, where)
        yield from _finished({key: _spliced(value) for key, value in data.items()}, kind, where)


def _spliced(value: object) -> object:
    """Put the items of lists that expressions in a list have yielded in their place."""
    if not isinstance(value, list):
        return value
    return [found for item in value for found in (item if isinstance(item, list) else [item])]


def _finished(data: object, kind: type[P], where: str) -> Iterator[P]:
    """Yield the part that evaluated data describes."""
    try:
        part = kind.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(problem.line(where) for problem in problems_of(error, kind)) from None
    if part.when is not False:
        yield part

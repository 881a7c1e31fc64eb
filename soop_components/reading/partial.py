"""What of a document with mistakes can still be checked: its other parts, so that all mistakes are seen at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from soop_components.model.problem import Keys, Problem, ProblemKind
from soop_components.reading.problems import problems_of

AnyModel = TypeVar("AnyModel", bound=BaseModel)
_ROUNDS = 4
"""How often further parts are removed because they lack what was removed before."""


@dataclass(frozen=True)
class Partial(Generic[AnyModel]):
    """A model of a document without its mistaken parts."""

    model: AnyModel
    removed: frozenset[Keys] = frozenset()
    """The keys of the parts that were removed; none if the document has no mistakes."""

    def certain(self, problems: Iterable[Problem]) -> list[Problem]:
        """Return the problems that the whole document has as well, with their keys in it.

        Problems that exist perhaps only because parts were removed are left out.
        """
        placed = [replace(problem, keys=_keys_in_document(problem.keys, self.removed)) for problem in problems]
        return [problem for problem in placed if not any(_may_follow(problem, keys) for keys in self.removed)]

    def has_all_of(self, *keys: str) -> bool:
        """Return whether nothing was removed below these keys."""
        return not any(each[: len(keys)] == keys for each in self.removed)


def validated(model: type[AnyModel], data: Any) -> AnyModel:
    """Return the model of a document, whose keys must be those that people write."""
    return model.model_validate(data, by_alias=True, by_name=False)


def partial_model(model: type[AnyModel], data: Any, problems: Iterable[Problem]) -> Partial[AnyModel] | None:
    """Return the model of ``data`` without the parts that have problems; None if there is none without them."""
    removed = frozenset(problem.keys for problem in problems)
    for _ in range(_ROUNDS):
        if () in removed:
            break
        try:
            return Partial(validated(model, _without(data, removed)), removed)
        except ValidationError as error:
            removed |= {_keys_in_document(problem.keys, removed)[:-1] for problem in problems_of(error, model)}
    return None


def _without(data: Any, removed: Iterable[Keys]) -> Any:
    """Return ``data`` without what the keys lead to."""
    by_key: dict[str | int, list[Keys]] = {}
    for keys in removed:
        by_key.setdefault(keys[0], []).append(keys[1:])
    if isinstance(data, dict):
        items = [(key, value) for key, value in data.items() if () not in by_key.get(key, ())]
        return {key: _without(value, by_key[key]) if key in by_key else value for key, value in items}
    if isinstance(data, list | tuple):
        numbered = [(number, value) for number, value in enumerate(data) if () not in by_key.get(number, ())]
        return [_without(value, by_key[number]) if number in by_key else value for number, value in numbered]
    return data


def _keys_in_document(keys: Keys, removed: Iterable[Keys]) -> Keys:
    """Return the keys of a value in the whole document: list items behind a removed one have other numbers there."""
    place: Keys = ()
    for key in keys:
        if isinstance(key, int):
            for number in sorted(each[-1] for each in removed if each[:-1] == place and isinstance(each[-1], int)):
                key += number <= key
        place = (*place, key)
    return place


def _may_follow(problem: Problem, removed: Keys) -> bool:
    """Return whether a problem may exist only because a part was removed."""
    parent, name = removed[:-1], removed[-1]
    is_inside = problem.keys[: len(removed)] == removed
    is_beside = bool(parent) and problem.keys in (parent, (*parent, *problem.keys[-1:]))
    if is_inside or is_beside:
        return True
    if problem.kind is ProblemKind.UNKNOWN_NAME:
        return isinstance(name, int) or name == problem.name
    return problem.kind is ProblemKind.UNUSED and removed[0] == "nodes"

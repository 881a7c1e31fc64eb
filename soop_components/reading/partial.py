"""What of a document can be checked beside its mistakes, so that people are told all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from soop_components.reading.problems import Problem, problems_of

Keys = tuple[str | int, ...]
AnyModel = TypeVar("AnyModel", bound=BaseModel)
_ROUNDS = 4
"""How often more is left out because something lacks what was left out before."""


@dataclass(frozen=True)
class Remainder(Generic[AnyModel]):
    """A model of what is left without the mistaken parts, ``gone``."""

    value: AnyModel
    gone: frozenset[Keys] = frozenset()

    def independent(
        self, found: Iterable[Problem], rename: Callable[[Problem], Problem] = lambda problem: problem
    ) -> list[Problem]:
        """Return problems at their places in the whole document; left out is what may only follow from what is gone.

        ``rename`` turns keys of the model into those of the document, which ``found`` already has.
        """
        gone = frozenset(rename(Problem(keys, "")).keys for keys in self.gone)
        placed = (Problem(_place(problem.keys, gone), problem.text) for problem in found)
        return [problem for problem in placed if not any(_follows(problem, keys) for keys in gone)]

    def is_whole(self, *keys: str) -> bool:
        """Tell whether nothing is gone of what these keys lead to."""
        return not any(each[: len(keys)] == keys for each in self.gone)


def remainder(model: type[AnyModel], data: Any, problems: Iterable[Problem]) -> Remainder[AnyModel] | None:
    """Return the model of what is left of ``data`` without its mistakes; None if it cannot do without them."""
    gone = frozenset(problem.keys for problem in problems)
    for _ in range(_ROUNDS):
        if () in gone:
            break
        try:
            return Remainder(model.model_validate(_without(data, gone)), gone)
        except ValidationError as error:
            lacking = {_place(problem.keys, gone)[:-1] for problem in problems_of(error, model)}
            gone |= lacking
    return None


def _without(data: Any, gone: Iterable[Keys]) -> Any:
    """Return ``data`` without what the keys lead to."""
    by_key: dict[str | int, list[Keys]] = {}
    for keys in gone:
        by_key.setdefault(keys[0], []).append(keys[1:])
    if isinstance(data, dict):
        items = [(key, value) for key, value in data.items() if () not in by_key.get(key, ())]
        return {key: _without(value, by_key[key]) if key in by_key else value for key, value in items}
    if isinstance(data, list | tuple):
        numbered = [(number, value) for number, value in enumerate(data) if () not in by_key.get(number, ())]
        return [_without(value, by_key[number]) if number in by_key else value for number, value in numbered]
    return data


def _place(keys: Keys, gone: Iterable[Keys]) -> Keys:
    """Return the keys by which the whole document has what lies at ``keys`` in the remainder."""
    place: Keys = ()
    for key in keys:
        if isinstance(key, int):
            for number in sorted(each[-1] for each in gone if each[:-1] == place and isinstance(each[-1], int)):
                key += number <= key
        place = (*place, key)
    return place


def _follows(problem: Problem, gone: Keys) -> bool:
    """Tell whether a problem may be there only because something is gone."""
    holder, name = gone[:-1], gone[-1]
    if problem.keys[: len(gone)] == gone or (holder and problem.keys in (holder, (*holder, *problem.keys[-1:]))):
        return True
    if problem.text.startswith("no ") and not problem.text.startswith("no such file"):
        return isinstance(name, int) or f" {name}" in problem.text.partition(";")[0]
    return gone[0] == "nodes" and problem.keys[0] == "components" and len(problem.keys) == 2

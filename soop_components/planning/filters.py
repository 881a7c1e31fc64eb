"""The filters of templates, and what operators and loops become. What would need the value of a mark is refused."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from jinja2 import Undefined

from soop_components.model.problem import got
from soop_components.planning import marks
from soop_components.planning.limits import Refused, check, spend

LARGEST = 2**53
"""Largest number that templates calculate with."""


def kind(value: object) -> str:
    """Say what a value is; what is undefined raises that it is."""
    if isinstance(value, Undefined):
        return str(value)  # raises
    found = (name for types, name in _KINDS if isinstance(value, types))
    return next(found, "a part of the template")


_KINDS: list[tuple[Any, str]] = [
    (str, "text"), (bool, "a boolean"), (int | float, "a number"), (list, "a list"), (Mapping, "a mapping"),
    (type(None), "none"),
]  # fmt: skip


def text(value: object) -> str:
    """Return how a value is written in a text: booleans as in YAML; lists, mappings and none are refused."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return str(value)
    raise Refused(f"{kind(value)} cannot be put into text; use | join or | json")


def plain(value: object) -> str:
    """Return text that holds no marks."""
    if isinstance(value, marks.Marked):
        raise marks.LooksInside
    return text(value)


def number(sign: str, value: Any) -> Any:
    """Return a number that ``sign`` can be applied to."""
    if isinstance(value, marks.Marked):
        raise marks.LooksInside
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{sign} takes numbers, not {kind(value)}")
    if abs(value) > LARGEST:
        raise Refused(f"{sign} takes numbers up to {LARGEST}")
    return value


def listed(values: object) -> list[Any]:
    """Return the items of a list, or the keys of a mapping."""
    if not isinstance(values, list | Mapping):
        raise Refused(f"expected a list or a mapping, not {kind(values)}")
    return list(values)


def data(value: Any) -> Any:
    """Return a copy that is plain data, with text as keys; all that is in it counts, however often it is there."""
    if isinstance(value, str):
        spend(1 + str.__len__(value))
        return marks.marked(value)
    if isinstance(value, Mapping):
        keys = [plain(key) for key in value]
        spend(10 + sum(map(len, keys)))
        return dict(zip(keys, map(data, value.values()), strict=True))
    if isinstance(value, list):
        spend(10)
        return [data(item) for item in value]
    spend(1)
    if value is None or isinstance(value, int | float):
        return value
    raise Refused(f"expected text, a number, a list or a mapping, not {kind(value)}")


def each(values: object, names: int | None) -> Iterator[Any]:
    """Yield the items that a loop goes over; one with several ``names`` needs as many items in each item."""
    for item in listed(values):
        spend(1)
        if names is not None and not (isinstance(item, list) and len(item) == names):
            raise Refused(f"expected lists of {names} items each, for the {names} names of the loop; use | items")
        yield item


def operand(value: Any) -> Any:
    """Return a value that is going to be compared, which takes as long as there is data in it."""
    if isinstance(value, marks.Marked):
        raise marks.LooksInside
    data(value)
    return value


def concat(values: list[object], separator: str = "") -> str:
    """Return texts joined, marks and all."""
    texts = [text(value) for value in values]
    check(sum(str.__len__(part) + len(separator) for part in texts))
    return marks.marked(separator.join([marks.unmarked(part) for part in texts]))


def range_(*numbers: object) -> list[int]:
    """Return whole numbers as Python's ``range`` does."""
    found = range(*[number("range", value) for value in numbers])
    spend(len(found))
    return list(found)


def join(values: object, separator: object = "") -> str:
    """Return the items of a list as one text."""
    return concat(listed(values), marks.unmarked(text(separator)))


def replace(value: object, old: object, new: object) -> str:
    """Return text with every ``old`` in it replaced."""
    whole, wanted, instead = plain(value), plain(old), marks.unmarked(text(new))
    check(whole.count(wanted) * len(instead) if wanted else 0)
    return marks.marked(whole.replace(wanted, instead) if wanted else whole)


def indent(value: object, width: object = 4) -> str:
    """Return text with all lines but the first indented."""
    if isinstance(width, bool) or not isinstance(width, int) or not 0 <= width <= 100:
        raise Refused("indent takes a width of 0 to 100")
    whole = marks.unmarked(text(value))
    check(whole.count("\n") * width)
    return marks.marked(whole.replace("\n", "\n" + " " * width))


def integer(value: Any) -> int:
    """Return the whole number that a text says."""
    try:
        return int(plain(value) if isinstance(value, str) else value)
    except (ValueError, OverflowError, TypeError):
        raise Refused(f"expected a number {got(value)}") from None


def item(values: list[Any], index: int) -> Any:
    """Return an item of a list."""
    if -len(values) <= index < len(values):
        return values[index]
    raise Refused(f"the list has {len(values)} items, there is no [{index}]")


def pairs(value: object) -> list[list[Any]]:
    """Return the keys and values of a mapping."""
    if not isinstance(value, Mapping):
        raise Refused(f"expected a mapping, not {kind(value)}")
    return [[key, held] for key, held in value.items()]


FILTERS: dict[str, Callable[..., object]] = {
    "default": lambda value, instead="": instead if isinstance(value, Undefined) or value is None else value,
    "join": join,
    "length": lambda value: len(plain(value) if isinstance(value, str) else listed(value)),
    "replace": replace,
    "upper": lambda value: plain(value).upper(),
    "lower": lambda value: plain(value).lower(),
    "trim": lambda value: plain(value).strip(),
    "string": text,
    "int": integer,
    "list": listed,
    "first": lambda values: item(listed(values), 0),
    "last": lambda values: item(listed(values), -1),
    "sort": lambda values: sorted(operand(listed(values))),
    "unique": lambda values: list(dict.fromkeys(map(operand, listed(values)))),
    "items": pairs,
    "values": lambda value: [held for _, held in pairs(value)],
    "dictsort": lambda value: sorted(pairs(value), key=lambda pair: str(pair[0])),
    "indent": indent,
    "basename": lambda value: posixpath.basename(plain(value)),
    "dirname": lambda value: posixpath.dirname(plain(value)).rstrip("/") or "/",
}
FILTERS |= {"d": FILTERS["default"], "count": FILTERS["length"]}

TESTS: dict[str, Callable[..., bool]] = {
    "odd": lambda value: number("odd", value) % 2 == 1,
    "even": lambda value: number("even", value) % 2 == 0,
}

SYNTAX: dict[str, Callable[..., object]] = {"for in": each, "a < b": operand, "a ~ b": concat}
"""Filters that the sandbox puts around what a loop goes over, what is compared and what ``~`` joins.

Their names cannot be written in a template.
"""

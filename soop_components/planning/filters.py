"""The filters of templates. Each pays for its work and refuses to look into a mark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined

from soop_components.model.problem import got
from soop_components.planning import marks
from soop_components.planning.guard import Refused, pay, size

LARGEST = 2**53
"""Largest number that templates calculate with."""


def text(value: object) -> str:
    """Return how a value looks in a text: booleans as in YAML; lists, mappings and none have no looks."""
    if isinstance(value, Undefined):
        return str(value)  # raises
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        pay(str.__len__(value))
        return value
    if isinstance(value, int | float):
        return str(value)
    raise Refused(f"{kind(value)} cannot be put into text; use | join or | json")


def concat(values: list[object]) -> str:
    """Return texts joined, marks and all."""
    return marks.marked("".join([marks.unmarked(text(value)) for value in values]))


def join(values: object, separator: object = "") -> str:
    """Return the items of a list as one text."""
    items = each(values)
    between = marks.unmarked(text(separator))
    pay(len(items) * (1 + len(between)))
    return marks.marked(between.join([marks.unmarked(text(item)) for item in items]))


def each(values: object, cost: int = 0, names: int | None = None) -> list[Any]:
    """Return the items of a list, or the keys of a mapping, having paid ``cost`` for each.

    A loop that has several ``names`` needs as many items in each item.
    """
    if isinstance(values, Undefined):
        str(values)  # raises
    if not isinstance(values, list | tuple | Mapping):
        raise Refused(f"expected a list or a mapping, not {kind(values)}")
    pay(len(values) * (1 + cost))
    found = list(values)
    if names is not None and not all(isinstance(item, list | tuple) and len(item) == names for item in found):
        raise Refused(f"expected lists of {names} items each, for the {names} names of the loop; use | items")
    return found


def range_(arguments: list[object]) -> list[int]:
    """Return whole numbers as Python's ``range`` does."""
    numbers = [number for number in arguments if isinstance(number, int) and not isinstance(number, bool)]
    if len(numbers) != len(arguments) or not 1 <= len(numbers) <= 3 or (len(numbers) == 3 and numbers[2] == 0):
        raise Refused("range takes one to three whole numbers")
    found = range(*numbers)
    pay(min(len(found), LARGEST) if abs(found.stop - found.start) < LARGEST else LARGEST)
    return list(found)


def key(value: object) -> object:
    """Return a key of a mapping, which is text or a number."""
    if isinstance(value, marks.Marked) or not isinstance(value, str | int | float | Undefined):
        raise Refused("a key is text or a number")
    return value


def default(value: object, instead: object = "") -> object:
    """Return ``instead`` of what is undefined or none."""
    return instead if isinstance(value, Undefined) or value is None else value


def length(value: Any) -> int:
    """Return how many items, or characters, there are."""
    return len(_plain(value) if isinstance(value, str) else each(value))


def replace(value: object, old: object, new: object) -> str:
    """Return text with every ``old`` in it replaced."""
    whole, wanted, instead = _plain(value), _plain(old), marks.unmarked(text(new))
    if not wanted:
        return whole
    pay(whole.count(wanted) * len(instead) + len(whole))
    return marks.marked(whole.replace(wanted, instead))


def int_(value: Any) -> int:
    """Return the whole number that a text says."""
    try:
        return int(_plain(value)[:40]) if isinstance(value, str) else int(value)
    except (ValueError, OverflowError, TypeError):
        raise Refused(f"expected a number {got(value)}") from None


def first(values: object) -> object:
    """Return the first item of a list."""
    items = each(values)
    if not items:
        raise Refused("the list is empty")
    return items[0]


def last(values: object) -> object:
    """Return the last item of a list."""
    return first(each(values)[::-1])


def sort(values: object) -> list[Any]:
    """Return a list in order."""
    items = each(values, cost=20)
    size(items)
    try:
        return sorted(items)
    except TypeError:
        raise Refused("only numbers, or only texts, can be sorted") from None


def unique(values: object) -> list[Any]:
    """Return a list without repetitions."""
    items = each(values)
    if not all(isinstance(item, str | int | float | bool) for item in items):
        raise Refused("unique takes a list of texts or numbers")
    return list(dict.fromkeys(items))


def items(value: object) -> list[tuple[Any, Any]]:
    """Return the keys and values of a mapping as pairs."""
    if isinstance(value, Undefined):
        str(value)  # raises
    if not isinstance(value, Mapping):
        raise Refused(f"expected a mapping, not {kind(value)}")
    pay(len(value))
    return list(value.items())


def values(value: object) -> list[Any]:
    """Return the values of a mapping."""
    return [item for _, item in items(value)]


def dictsort(value: object) -> list[tuple[Any, Any]]:
    """Return the pairs of a mapping in the order of its keys."""
    return sorted(items(value), key=lambda item: str(item[0]))


def indent(value: object, width: object = 4) -> str:
    """Return text with all lines but the first indented."""
    if isinstance(width, bool) or not isinstance(width, int) or not 0 <= width <= 100:
        raise Refused("indent takes a width of 0 to 100")
    lines = marks.unmarked(text(value)).split("\n")
    pay(len(lines) * width)
    return marks.marked(("\n" + " " * width).join(lines))


def paid(result: str) -> str:
    """Return a text, having paid for it."""
    pay(str.__len__(result))
    return result


def _plain(value: object) -> str:
    """Return text that holds no marks."""
    if isinstance(value, marks.Marked):
        raise marks.LooksInside
    return text(value)


def kind(value: object) -> str:
    """Say what a value is."""
    return "a mapping" if isinstance(value, Mapping) else _KINDS.get(type(value), "this")


_KINDS: dict[type, str] = {
    str: "text",
    marks.Marked: "text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    tuple: "a list",
    type(None): "none",
}


FILTERS: dict[str, Callable[..., object]] = {
    "_each": each,
    "_key": key,
    "_concat": concat,
    "_range": range_,
    "default": default,
    "d": default,
    "join": join,
    "length": length,
    "count": length,
    "replace": replace,
    "upper": lambda value: paid(_plain(value).upper()),
    "lower": lambda value: paid(_plain(value).lower()),
    "trim": lambda value: paid(_plain(value).strip()),
    "string": text,
    "int": int_,
    "list": lambda value: each(value),
    "first": first,
    "last": last,
    "sort": sort,
    "unique": unique,
    "items": items,
    "values": values,
    "dictsort": dictsort,
    "indent": indent,
}

"""The operators of templates: they take what they are made for, and pay for their work."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined

from soop_components.planning import filters, marks
from soop_components.planning.guard import Refused, pay, size


def calculate(sign: str, left: Any, right: Any) -> object:
    """Add, subtract, multiply and divide numbers; add texts and lists."""
    if sign == "+" and isinstance(left, str) and isinstance(right, str):
        return filters.concat([left, right])
    if sign == "+" and isinstance(left, list | tuple) and isinstance(right, list | tuple):
        pay(len(left) + len(right))
        return [*left, *right]
    try:
        return _OPERATIONS[sign](_number(sign, left), _number(sign, right))
    except ZeroDivisionError:
        raise Refused("division by zero") from None


def signed(sign: str, value: Any) -> object:
    """Return a number with a sign before it."""
    number = _number(sign, value)
    return -number if sign == "-" else number


def _number(sign: str, value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # raises
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"{sign} takes numbers, not {filters.kind(value)}")
    if abs(value) > filters.LARGEST:
        raise Refused(f"{sign} takes numbers up to {filters.LARGEST}")
    return value


def odd(value: object) -> bool:
    """Tell whether a whole number is odd."""
    if isinstance(value, Undefined):
        str(value)  # raises
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refused(f"only whole numbers are odd or even, not {filters.kind(value)}")
    return value % 2 == 1


def even(value: object) -> bool:
    """Tell whether a whole number is even."""
    return not odd(value)


def compare(values: list[object], comparisons: tuple[str, ...]) -> bool:
    """Compare each value with the next, having paid for it; marks refuse by themselves."""
    for value in values:
        if isinstance(value, Undefined):
            str(value)  # raises
        size(value)
    return all(_holds(left, name, right) for left, name, right in zip(values, comparisons, values[1:], strict=False))


def _holds(left: Any, name: str, right: Any) -> bool:
    if name in ("in", "notin"):
        return _is_in(left, right) is (name == "in")
    try:
        return bool(_COMPARISONS[name](left, right))
    except TypeError:
        raise Refused(f"{filters.kind(left)} and {filters.kind(right)} have no order") from None


def _is_in(value: Any, holder: Any) -> bool:
    if isinstance(value, marks.Marked) and not isinstance(holder, list | tuple):
        raise marks.LooksInside
    if isinstance(holder, str) and not isinstance(value, str):
        raise Refused(f"expected text before in, not {filters.kind(value)}, as there is text after it")
    if isinstance(holder, Mapping):
        return filters.key(value) in holder
    if not isinstance(holder, list | tuple | str):
        raise Refused(f"expected a list, a mapping or a text after in, not {filters.kind(holder)}")
    return value in holder


_OPERATIONS: dict[str, Callable[[Any, Any], object]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
}
_COMPARISONS: dict[str, Callable[[Any, Any], object]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}

"""How much a template may do: every step is counted and paid for out of a budget.

The budget is counted, not timed, so that the same template succeeds or fails the same way everywhere and in any thread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from soop_components.model.names import bounded_advice

WORK = 1_000_000
"""Steps and characters that one template may cost."""
LENGTH = 262_144
"""Characters that one template may have."""
TOGETHER = 20 * WORK
"""Steps and characters that all templates of a service may cost together. A step is about a tenth of a microsecond."""
_READING = 3000
"""Steps that reading even the shortest template counts for."""
_CHARACTER = 50
"""Steps that reading one character of its statements and expressions counts for."""
_NODE = 300
"""Steps that making a program of one part of a statement or an expression counts for."""
_RENDERING = 200
"""Steps that rendering even the shortest template counts for."""
_CODE = re.compile(r"\{[{%].*?(?:[%}]\}|\Z)", re.DOTALL)


class Refused(Exception):
    """A template does what templates may not do; the text says what, ``line`` where."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class _Purse:
    """What the templates of a service have left, and those that have been read."""

    def __init__(self) -> None:
        self.left = TOGETHER
        self.read: dict[object, Any] = {}

    def pay(self, work: int) -> None:
        self.left -= work
        if self.left < 0:
            raise Refused("the templates and patterns of this service do too much together")


_left: ContextVar[list[int]] = ContextVar("work_left")
_purse: ContextVar[_Purse | None] = ContextVar("work_left_together", default=None)


@contextmanager
def together() -> Iterator[None]:
    """Give all renderings inside one budget beside their own, so that many small ones cannot do what one may not."""
    token = _purse.set(_purse.get() or _Purse())
    try:
        with bounded_advice():
            yield
    finally:
        _purse.reset(token)


@contextmanager
def budget() -> Iterator[None]:
    """Give the rendering of a template its budget."""
    purse = _purse.get()
    pay_together(_RENDERING)
    left = [WORK]
    token = _left.set(left)
    try:
        yield
    finally:
        _left.reset(token)
        if purse is not None:
            purse.left -= WORK - max(left[0], 0)  # what was refused was not done


def read() -> dict[object, Any]:
    """Return the place for what has been read, which lasts as long as the budget that reading is paid out of."""
    purse = _purse.get()
    return purse.read if purse is not None else {}


def pay_reading(text: str) -> None:
    """Count what reading a template takes, before it is done."""
    code = sum(len(found) for found in _CODE.findall(text))
    pay_together(_READING + _CHARACTER * code + len(text))


def pay_making(nodes: int) -> None:
    """Count what making a program of a template takes, before it is done."""
    pay_together(_NODE * nodes)


def pay_together(work: int) -> None:
    """Count ``work`` that is no template's, before it is done."""
    purse = _purse.get()
    if purse is not None:
        purse.pay(work)


def pay(work: int) -> None:
    """Count ``work`` before it is done."""
    left = _left.get()
    left[0] -= work
    if left[0] < 0:
        raise Refused(f"the template does too much (more than {WORK} steps and characters)")


def size(value: object) -> int:
    """Pay for walking through ``value`` and return how big it is."""
    if isinstance(value, str):
        found = str.__len__(value)
        pay(found + 1)
        return found + 1
    pay(1)
    if isinstance(value, Mapping):
        return 1 + sum(size(key) + size(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return 1 + sum(size(item) for item in value)
    return 1

"""Limits on templates: how much one may make, and how much and how long those of a service may take together.

``docs/decisions/010-templates.md`` says what they protect, and what they do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import thread_time

from jinja2 import TemplateRuntimeError

STEPS = 1_000_000
"""Rounds of loops, items and characters that one template may make."""
SERVICE_STEPS = 20 * STEPS
"""What the templates of one service may make together."""
SECONDS = 10
"""Time of the processor that planning one service may take; it usually takes a hundredth of a second."""


class Refused(TemplateRuntimeError):
    """A template does what templates may not do; the text says what."""


@dataclass
class _Left:
    """What templates may still do."""

    template: int = STEPS
    service: int = field(default_factory=lambda: SERVICE_STEPS)
    deadline: float = field(default_factory=lambda: thread_time() + SECONDS)


_left: ContextVar[_Left] = ContextVar("left_for_templates")


@contextmanager
def per_service() -> Iterator[None]:
    """Limit what all templates that are rendered inside do together."""
    around = _left.get(None)
    token = _left.set(around or _Left())
    try:
        yield
    finally:
        _left.reset(token)


@contextmanager
def per_template() -> Iterator[None]:
    """Limit what the one template that is rendered inside does."""
    with per_service():
        _left.get().template = STEPS
        check(0)
        yield


def check(steps: int) -> None:
    """Raise ``Refused`` if so many steps are more than is left, or the time is over."""
    left = _left.get()
    if steps > left.template:
        raise Refused(f"the template does too much (more than {STEPS} steps and characters)")
    if steps > left.service or thread_time() > left.deadline:
        raise Refused("the templates and patterns of this service do too much together")


def spend(steps: int) -> None:
    """Count steps."""
    check(steps)
    left = _left.get()
    left.template -= steps
    left.service -= steps


def counted(name: str, function: Callable[..., object]) -> Callable[..., object]:
    """Return a function that counts what it returns; messages about its arguments call it ``name``."""
    function.__qualname__ = name

    def count(*arguments: object, **named: object) -> object:
        result = function(*arguments, **named)
        spend(str.__len__(result) if isinstance(result, str) else len(result) if isinstance(result, list) else 1)
        return result

    return count

"""What a configuration option accepts."""

from __future__ import annotations

from typing import Any

from soop_components.model.names import shown
from soop_components.model.patterns import matches
from soop_components.model.problem import got
from soop_components.model.service import ConfigOption

_MAXIMUM_TEXT = 64 * 1024
_WORDS = {"string": "text", "integer": "a whole number", "number": "a number", "boolean": "true or false"}


def value_problem(option: ConfigOption, value: Any) -> str | None:
    """Say what is wrong with a value for an option: its type or its bounds."""
    if not _is_of_type(option.type, value):
        return f"expected {_WORDS[option.type]} {got(value)}"
    if isinstance(value, str):
        return _text_problem(option, value)
    if isinstance(value, bool):
        return None
    if option.minimum is not None and value < option.minimum:
        return f"expected at least {option.minimum:g} {got(value)}"
    if option.maximum is not None and value > option.maximum:
        return f"expected at most {option.maximum:g} {got(value)}"
    return None


def _is_of_type(kind: str, value: Any) -> bool:
    if kind == "string":
        return isinstance(value, str)
    if kind == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) if kind == "integer" else isinstance(value, int | float)


def _text_problem(option: ConfigOption, value: str) -> str | None:
    if len(value) > _MAXIMUM_TEXT:
        return f"expected at most {_MAXIMUM_TEXT} characters"
    if option.pattern is not None and not matches(option.pattern, value):
        return f"expected text that matches {shown(option.pattern)} {got(value)}"
    return None

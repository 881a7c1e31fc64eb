"""JSON as canonical bytes, and as named tuples, strict about fields and types."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_T = TypeVar("_T", bound=tuple[Any, ...])


class Malformed(ValueError):
    """A JSON value has another form than expected; the text never shows the value, which may be a secret."""


def canonical(value: object) -> bytes:
    """Return the value as JSON with sorted keys and without spaces, in UTF-8: the same bytes for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest_of(value: object) -> str:
    """Return ``sha256:<hex>`` of the value's canonical JSON."""
    return "sha256:" + hashlib.sha256(canonical(value)).hexdigest()


def dump(value: Any) -> Any:
    """Return a named tuple, or a value in one, as JSON can hold it."""
    if not isinstance(value, tuple):
        return value
    names = getattr(value, "_fields", None)
    return [dump(item) for item in value] if names is None else {name: dump(getattr(value, name)) for name in names}


def read(kind: type[_T], raw: Mapping[str, Any], where: str) -> _T:
    """Make a named tuple of a JSON object: every field known, of its type, and there unless it has a default."""
    hints, defaults = hints_of(kind), getattr(kind, "_field_defaults", {})
    for name in raw.keys() - hints.keys():
        raise Malformed(f"{where}: unknown field {name!r}")
    for name in hints.keys() - raw.keys() - defaults.keys():
        raise Malformed(f"{where}.{name}: missing")
    return kind(**{name: value_of(hints[name], value, f"{where}.{name}") for name, value in raw.items()})


def value_of(kind: Any, raw: Any, where: str) -> Any:
    """Make a value of a type of what JSON has in its place; a named tuple may be a list there."""
    if kind is Any or type(raw) is kind:
        return raw
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal and raw in inner:
        return raw
    if origin in (Union, UnionType):
        return None if raw is None else value_of(inner[0], raw, where)
    if origin in (Mapping, dict) and isinstance(raw, dict):
        return {key: value_of(inner[1], item, f"{where}.{key}") for key, item in raw.items()}
    if origin is tuple and isinstance(raw, list):
        return tuple(value_of(inner[0], item, f"{where}[{at}]") for at, item in enumerate(raw))
    if origin is set and isinstance(raw, list):
        return {value_of(inner[0], item, where) for item in raw}
    if hasattr(kind, "_fields") and isinstance(raw, dict):
        return read(kind, raw, where)
    if hasattr(kind, "_fields") and isinstance(raw, list) and len(raw) <= len(kind._fields):
        return read(kind, dict(zip(kind._fields, raw, strict=False)), where)
    raise Malformed(f"{where}: expected {_NAMES.get(origin or kind, 'an object')}, not {type(raw).__name__}")


_NAMES = {str: "text", int: "a whole number", bool: "true or false", tuple: "a list", Literal: "one of the known words"}
hints_of: Callable[[Any], dict[str, Any]] = cache(get_type_hints)
"""Returns the types of the fields of a class by their names."""

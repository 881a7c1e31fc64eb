"""The events that the runner writes: one JSON object per line, without a secret in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from soop_components.runner.marks import ENCODINGS
from soop_components.runner.protocol import Answer, Progress
from soop_components.runner.wire import event

_MASK = "[secret]"
_LINE_AT_LEAST = 8
"""Characters of a line of a secret of many lines that is worth hiding by itself."""
_HIDDEN_SHAPES = [encoding for name, encoding in ENCODINGS.items() if name != "fingerprint"]
"""Encodings in which secrets are hidden. A fingerprint may be seen, and its four digits occur in many digests."""


class Events:
    """Writes events, and hides secrets wherever they appear in them, encoded or not."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._hidden: list[str] = []

    def hide(self, secrets: Iterable[str]) -> None:
        """Never show these values from now on."""
        shapes = set(self._hidden)
        for secret in secrets:
            values = [secret, *(line for line in secret.splitlines() if len(line) >= _LINE_AT_LEAST)]
            for value in values:
                shapes.update(_bare(encoding(value)) for encoding in _HIDDEN_SHAPES)
                shapes.add(value)
        self._hidden = sorted(filter(None, shapes), key=len, reverse=True)

    def progress(self, message: str) -> None:
        """Report what goes on."""
        self.write(Progress(message))

    def write(self, said: Progress | Answer) -> None:
        """Write one event."""
        self._write(json.dumps(event(self.masked(said)), ensure_ascii=False))

    def masked(self, value: Any) -> Any:
        """Return text, or a named tuple of the protocol, without secrets; its words and identifiers stay."""
        if isinstance(value, str):
            for hidden in self._hidden:
                value = value.replace(hidden, _MASK)
            return value
        if (names := getattr(value, "_fields", None)) is not None:
            fixed = _fixed_fields(type(value))
            return value._replace(**{name: self.masked(getattr(value, name)) for name in names if name not in fixed})
        if isinstance(value, tuple):
            return tuple(self.masked(item) for item in value)
        return value


def _is_fixed(hint: Any) -> bool:
    return get_origin(hint) in (Annotated, Literal) or any(_is_fixed(inner) for inner in get_args(hint))


def _find_fixed_fields(kind: Any) -> frozenset[str]:
    hints = get_type_hints(kind, include_extras=True)
    return frozenset(name for name, hint in hints.items() if _is_fixed(hint))


_fixed_fields: Callable[[Any], frozenset[str]] = cache(_find_fixed_fields)
"""Returns the fields of a named tuple that hold identifiers or one of a few known words."""


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text

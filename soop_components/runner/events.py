"""The events that the runner writes: one JSON object per line, without a secret in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from soop_components.runner.marks import ENCODINGS
from soop_components.runner.protocol import Answer, Progress
from soop_components.runner.wire import event

_MASK = "[secret]"
_LINE_AT_LEAST = 8
"""Characters of a line of a secret of many lines that is worth hiding by itself."""


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
                shapes.update(_bare(encoding(value)) for encoding in ENCODINGS.values())
                shapes.add(value)
        self._hidden = sorted(filter(None, shapes), key=len, reverse=True)

    def progress(self, message: str) -> None:
        """Report what goes on."""
        self.write(Progress(message))

    def write(self, said: Progress | Answer) -> None:
        """Write one event."""
        self._write(json.dumps(self.masked(event(said)), ensure_ascii=False))

    def masked(self, value: Any) -> Any:
        """Return a JSON value without secrets; keys stay."""
        if isinstance(value, str):
            for hidden in self._hidden:
                value = value.replace(hidden, _MASK)
            return value
        if isinstance(value, dict):
            return {key: self.masked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.masked(item) for item in value]
        return value


def _bare(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" else text

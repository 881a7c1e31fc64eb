"""A value that must not be shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Secret:
    """Holds a value whose ``repr`` and ``str`` are redacted; ``reveal`` it only where it is written or sent."""

    _value: Any = field(repr=False)

    def reveal(self) -> Any:
        """Return the plain value."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

"""Regular expressions of definitions, matched in linear time whatever they are."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from soop_components.errors import SoopError


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text matches; ``SoopError`` if the pattern is none (it has no look-around and no back references)."""
    try:
        _adapter(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _adapter(pattern: str) -> TypeAdapter[str]:
    try:
        return TypeAdapter(Annotated[str, StringConstraints(pattern=f"^(?:{pattern})$")])
    except SchemaError:
        raise SoopError(
            f"{pattern!r} is not a regular expression", "look-around and back references cannot be used"
        ) from None

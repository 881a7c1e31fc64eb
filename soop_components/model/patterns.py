"""Regular expressions in definitions: matched in linear time by the validator's engine, which does not backtrack."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

_COMPILED = 8
"""Size of all compiled patterns of a definition together, in multiples of the engine's limit for one."""
_SMALL = 200
"""Steps that matching one character may take, unless the pattern is large."""
_LARGE = 20_000
"""Characters beyond which a pattern is large; what is repeated counts as often."""
_COUNTED = re.compile(r"\{([0-9]+)(?:,([0-9]*))?\}")
_LITERAL = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


def _pattern(value: str) -> str:
    try:
        if not _groups_close_themselves(value):
            raise SchemaError("unopened group")
        _compiled(f"(?:{value}){{0}}")  # read and then left out, so that however large it is this costs nothing
    except SchemaError:
        raise ValueError("expected a regular expression without look-around and back references") from None
    return value


def _groups_close_themselves(pattern: str) -> bool:
    """Return whether a pattern stays one when it is put into a group; ``a)|(b`` does not."""
    depth = 0
    for character in _LITERAL.sub("", pattern):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return True


Pattern = Annotated[str, AfterValidator(_pattern)]
"""Text that is a regular expression."""


def size_problem(patterns: Iterable[str | None]) -> str | None:
    """Say whether the patterns of one definition are too large for the engine together, however small their text."""
    wanted = list(dict.fromkeys(pattern for pattern in patterns if pattern is not None))
    try:
        for start in range(_COMPILED):
            _compiled("|".join(f"(?:{pattern})" for pattern in wanted[start::_COMPILED]))
    except SchemaError:
        return r"the patterns are too large; repeat less in them, or write [A-Za-z0-9_] instead of \w"
    return None


def match_cost(pattern: str, value: str) -> int:
    """Return how many steps a match may take, at most and roughly: what is repeated counts as often."""
    times = math.prod(int(most or least) for least, most in _COUNTED.findall(pattern))
    return len(value) * (_SMALL if len(pattern) * times <= _LARGE else _SMALL * 20)


def matches(pattern: str, value: str) -> bool:
    """Match a whole text."""
    try:
        _kept(pattern).validate_python(value)
    except ValidationError:
        return False
    return True


def _compiled(pattern: str) -> TypeAdapter[str]:
    return TypeAdapter(Annotated[str, StringConstraints(pattern=f"^(?:{pattern})$")])


_kept = lru_cache(maxsize=500)(_compiled)

"""Times such as ``30s``."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

DURATION = r"(?:0|[1-9][0-9]{0,4})(?:s|m|h)"
SOME_TIME = r"[1-9][0-9]{0,4}(?:s|m|h)"
Duration = Annotated[str, StringConstraints(pattern=rf"^{DURATION}$")]
SomeTime = Annotated[str, StringConstraints(pattern=rf"^{SOME_TIME}$")]
"""A time that is not none at all."""
_FACTORS = {"s": 1, "m": 60, "h": 3600}


def seconds_of(duration: str) -> int:
    """Return the seconds of a time that the model has accepted, ``30s``."""
    return int(duration[:-1]) * _FACTORS[duration[-1]]

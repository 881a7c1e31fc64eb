"""The error of these scripts."""

from __future__ import annotations

from soop_components.errors import SoopError


class Trouble(SoopError):
    """Something that a person must see to, in one line, and the exit code it ends with."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

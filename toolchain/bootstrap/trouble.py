"""The one error of these scripts."""

from __future__ import annotations


class Trouble(Exception):
    """Something that a person must see to, told in one line."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code

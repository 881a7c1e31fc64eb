"""Questions that Debian's packages ask while they are installed, and their answers."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from soop_components.model.parts import Template

_QUESTION = r"^[A-Za-z0-9][A-Za-z0-9+._-]*(/[A-Za-z0-9+._-]+)+$"
Question = Annotated[str, StringConstraints(pattern=_QUESTION, max_length=200)]
"""Its name, ``phpmyadmin/dbconfig-install``."""
Answer = Annotated[Template, BeforeValidator(lambda value: str(value).lower() if isinstance(value, bool) else value)]
"""Text; ``true`` and ``false`` may be written without quotes."""


def answer_problem(question: str, answer: str) -> str | None:
    """Say what debconf would not take as it is."""
    if not re.fullmatch(_QUESTION, question):
        return "expected the name of a question such as phpmyadmin/dbconfig-install"
    if not answer.isprintable() or answer.endswith("\\"):
        return "expected one line that does not end in a backslash"
    return None

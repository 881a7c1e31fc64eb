"""The file by which ``soop deploy`` hands its plan of a domain to the program, which then need not plan again."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import TypeAdapter

from soop_components.model.plan import DomainPlan

VARIABLE = "SOOP_PLAN"
"""Names the file in the environment of the engine and the program that it runs."""


def write_plan(plan: DomainPlan, file: Path) -> None:
    """Write the file."""
    file.write_bytes(TypeAdapter(DomainPlan).dump_json(plan, by_alias=True))


def handed_plan(id: str) -> DomainPlan | None:
    """Return the plan of the domain ``id`` that was handed to this process, or None."""
    path = os.environ.get(VARIABLE)
    plan = TypeAdapter(DomainPlan).validate_json(Path(path).read_bytes()) if path else None
    return plan if plan and plan.id == id else None

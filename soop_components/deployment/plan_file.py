"""The file by which ``soop deploy`` hands its plan of a domain to the program, which then need not plan again."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from pydantic import TypeAdapter

from soop_components.machines.kinds import kind_of
from soop_components.model.service_plan import DomainPlan

VARIABLE = "SOOP_PLAN"
"""Names the file in the environment of the engine and the program that it runs."""


def write_plan(plan: DomainPlan, file: Path) -> None:
    """Write the file: a line with the environment and the settings of its kind of machines, a line with the plan."""
    environment = plan.environment.model_dump_json(by_alias=True).encode()
    file.write_bytes(environment + b"\n" + TypeAdapter(DomainPlan).dump_json(plan, by_alias=True))


def handed_plan(id: str) -> DomainPlan | None:
    """Return the plan of the domain ``id`` that was handed to this process, or None."""
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    environment, _, planned = Path(path).read_bytes().partition(b"\n")
    plan = TypeAdapter(DomainPlan).validate_json(planned)
    model = kind_of(plan.environment.machines).environment()
    return replace(plan, environment=model.model_validate_json(environment)) if plan.id == id else None

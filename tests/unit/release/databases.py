"""Versions of a service with a database, each with one migration more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from soop_components.model.data import Migration, MigrationKind
from soop_components.model.domain import LoseData
from soop_components.model.names import Reference
from soop_components.model.plan import ComponentPlan, RolePlan, Script
from soop_components.model.service import RolloutSettings
from soop_components.release.inputs import ReleaseInputs
from tests.unit.release.example import DIGEST, release_of

KINDS: Sequence[MigrationKind] = ("expand", "expand", "contract", "expand", "irreversible")
"""Of the migrations 001 to 005."""
STORE = ComponentPlan(
    blob=DIGEST, scripts=(Script(name="migrations", source="migrate", arguments=("5432",), user="postgres"),)
)


def version(number: int, migrations: int | None = None) -> ReleaseInputs:
    """Return the version 1.<number>.0, which has as many migrations as its number says."""
    count = number if migrations is None else migrations
    found = tuple(
        Migration(component="store", label=f"{index:03}_m", kind=kind) for index, kind in enumerate(KINDS[:count], 1)
    )
    settings = RolloutSettings(canaries=0, max_in_flight=9)
    roles = {
        "database": RolePlan(components={"store": STORE}, migrations=found, rollout=settings, disk="/srv"),
        "web": RolePlan(after=("database",), rollout=settings),
    }
    return replace(release_of({"database": 1, "web": 2}, roles), reference=Reference("a-service", f"1.{number}.0"))


def word(before: int, after: int, by: str = "migrations") -> LoseData:
    return LoseData.model_validate({"from": f"1.{before}.0", "to": f"1.{after}.0", "by": by})


def agreed(before: int, after: int, by: str = "migrations") -> ReleaseInputs:
    """Return the older version of a downgrade to which somebody has agreed."""
    return replace(version(after), lose_data=word(before, after, by))

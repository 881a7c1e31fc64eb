"""What happens with the schemas of a service's databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from soop_components.machines import Unsupported
from soop_components.model.data import Migration
from soop_components.preview.facts import MigrationChange
from soop_components.release.downgrade import (
    Downgrade,
    DowngradeRefused,
    downgrade,
    downgrade_in_words,
    schema_changes,
    upgrade_in_words,
)
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.moves import refuse_moves


class WayBack(NamedTuple):
    """How a downgrade goes, why it is refused, and what cannot be undone."""

    going: Downgrade | None = None
    refused: str | None = None
    notes: tuple[str, ...] = ()


def migration_changes(
    before: ReleaseInputs | None, after: ReleaseInputs, going: Downgrade | None
) -> Iterator[MigrationChange]:
    """Yield the migrations that run, those of a new component or service among them; and what is undone or stays."""
    old = before.roles if before else {}
    had = {(role, each.component, each.number) for role, plan in old.items() for each in plan.migrations}
    for role, plan in after.roles.items():
        for each in plan.migrations:
            if (role, each.component, each.number) not in had:
                yield _change(role, each)
    for change in schema_changes(before, after) if before else ():
        for migration in change.undone:
            direction = "down" if going and going.undoes(change.role, migration) else "stays"
            yield _change(change.role, migration).model_copy(update={"direction": direction})


def _change(role: str, migration: Migration) -> MigrationChange:
    return MigrationChange(
        role=role, component=migration.component, migration=migration.label, kind=migration.kind, direction="up"
    )


def way_back(before: ReleaseInputs | None, after: ReleaseInputs) -> WayBack:
    """Return what an update means where the older version may be wanted back."""
    if before is None:
        return WayBack()
    try:
        refuse_moves(before, after)
        going = downgrade(before, after)
    except (DowngradeRefused, Unsupported) as error:
        return WayBack(refused=str(error))
    return WayBack(going, None, (*upgrade_in_words(before, after), *(downgrade_in_words(going) if going else ())))

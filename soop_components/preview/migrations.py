"""What happens with the schemas of a service's databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from soop_components.model.plan import Migration
from soop_components.preview.facts import MigrationChange
from soop_components.release.downgrade import (
    Downgrade,
    DowngradeRefused,
    SchemaChange,
    downgrade,
    downgrade_in_words,
    schema_changes,
    upgrade_in_words,
)
from soop_components.release.inputs import ReleaseInputs


class WayBack(NamedTuple):
    """How a downgrade goes, why it is refused, and what cannot be undone."""

    going: Downgrade | None = None
    refused: str | None = None
    notes: tuple[str, ...] = ()


def migration_changes(
    before: ReleaseInputs | None, after: ReleaseInputs, going: Downgrade | None
) -> Iterator[MigrationChange]:
    """Yield the migrations that run, are undone or stay; all of them where the service is new."""
    if before is None:
        changes = [SchemaChange(role, plan.migrations) for role, plan in after.roles.items()]
    else:
        changes = list(schema_changes(before, after))
    for change in changes:
        for migration in change.applied:
            yield _change(change.role, migration).model_copy(update={"direction": "up"})
        for migration in change.undone:
            direction = "stays" if going is None or going.by == "programs" else "down"
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
        going = downgrade(before, after)
    except DowngradeRefused as error:
        return WayBack(refused=str(error))
    return WayBack(going, None, (*upgrade_in_words(before, after), *(downgrade_in_words(going) if going else ())))

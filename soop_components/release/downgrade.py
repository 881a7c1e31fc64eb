"""What an update means for the schemas of databases, and how a downgrade goes: decided before anything is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from soop_components.errors import SoopError
from soop_components.model.data import Migration
from soop_components.model.names import Reference, RoleName
from soop_components.model.plan import RolePlan
from soop_components.model.versions import version_key
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.moves import Move, move_in_words, moves, moves_back

_RESTORED = "the snapshot that is taken before is restored on the disks, and what was written since is lost"
Way = Literal["programs", "migrations", "snapshot"]
Targets = tuple[tuple[str, int], ...]
"""Components, and the number of the migration down to which each of their databases goes back."""


class SchemaChange(NamedTuple):
    """The migrations of a role that one version has and the other one has not."""

    role: RoleName
    applied: tuple[Migration, ...] = ()
    """Those that only the version after it has, in order."""
    undone: tuple[Migration, ...] = ()
    """Those that only the version before it has, the newest first."""
    moved: Move | None = None
    """Data that only the programs of the version before it can read."""


class DowngradeRefused(SoopError):
    """The version does not run on the schema that is there, and nobody has said what may be lost."""


@dataclass(frozen=True)
class Downgrade:
    """How a version goes back to one that lacks some of its migrations."""

    before: Reference
    after: Reference
    by: Way
    """``programs``: the schema stays. ``migrations``: its down-migrations make it what the older version knows.
    ``snapshot``: disks are what they were when the older version ran."""
    changes: tuple[SchemaChange, ...]
    known: Mapping[str, int]
    """By component: the number of the last migration that the older version knows; those without any are left out."""

    @property
    def restored(self) -> set[RoleName]:
        """The roles whose disks become what a snapshot kept."""
        return {change.role for change in self.changes} if self.by == "snapshot" else set()

    def undoes(self, role: RoleName, migration: Migration) -> bool:
        """Return whether what a migration of the version before did is gone afterwards."""
        return role in self.restored or migration in self._undone(role)

    def first(self, role: RoleName) -> Targets:
        """Return what is undone as soon as the role's nodes are configured: the older programs need it."""
        oldest: dict[str, int] = {}
        for migration in self._undone(role):  # the newest first
            if migration.kind != "expand":
                oldest[migration.component] = migration.number - 1
        return tuple(oldest.items())

    def last(self, role: RoleName) -> Targets:
        """Return what is undone when the older programs are back and tested: newer ones needed it until then."""
        first = dict(self.first(role))
        oldest = {migration.component: migration.number for migration in self._undone(role)}
        return tuple((name, self.known[name]) for name, number in oldest.items() if number <= first.get(name, number))

    def _undone(self, role: RoleName) -> Iterator[Migration]:
        """Yield what is undone; a component without migrations has no program that could."""
        undone = (each for change in self.changes if change.role == role for each in change.undone)
        if self.by == "migrations":
            yield from (each for each in undone if each.component in self.known)


def schema_changes(before: ReleaseInputs, after: ReleaseInputs) -> Iterator[SchemaChange]:
    """Yield the roles in which migrations differ.

    Components that only one of the versions has are left out: nothing of the other one can break.
    """
    back = {move.role: move for move in moves_back(before, after)}
    for role, new in after.roles.items():
        old = before.roles.get(role, RolePlan())
        both = old.components.keys() & new.components.keys()
        known, wanted = ({(each.component, each.number) for each in plan.migrations} for plan in (old, new))
        change = SchemaChange(
            role,
            tuple(each for each in new.migrations if each.component in both and _key(each) not in known),
            tuple(each for each in old.migrations[::-1] if each.component in both and _key(each) not in wanted),
            back.get(role),
        )
        if change.applied or change.undone or change.moved:
            yield change


def _key(migration: Migration) -> tuple[str, int]:
    return migration.component, migration.number


def breaking(before: ReleaseInputs, after: ReleaseInputs) -> list[tuple[RoleName, Migration]]:
    """Return the migrations of an upgrade on whose result the version before it does not run, and their roles."""
    changes = schema_changes(before, after)
    return [(change.role, each) for change in changes for each in change.applied if each.kind != "expand"]


def downgrade(before: ReleaseInputs, after: ReleaseInputs) -> Downgrade | None:
    """Return how migrations, and data, are dealt with that only ``before`` knows; None if there are none.

    Where data would be lost, the definition of the domain must say so, of this very downgrade.
    """
    changes = tuple(change for change in schema_changes(before, after) if change.undone or change.moved)
    if not changes:
        return None
    hop = f"{before.reference} -> {after.reference.version}"
    word = after.lose_data
    if word and (word.from_, word.to) != (before.reference.version, after.reference.version):
        word = None
    known: dict[str, int] = {}
    for each in (each for change in changes for each in after.roles[change.role].migrations):
        known[each.component] = max(known.get(each.component, 0), each.number)
    needed = [each for change in changes for each in change.undone if each.kind != "expand"]
    final = [each for each in needed if not each.has_down or each.component not in known]
    moved = [change.moved for change in changes if change.moved]
    by: Way = word.by if word else "programs"
    if moved and by != "snapshot":
        why = ", ".join(f"{each.data.component}'s is of {each.before}" for each in moved)
        raise DowngradeRefused(
            f"{hop}: {after.reference} cannot read the data that is there, since {why}", _advice(before, after, True)
        )
    if by == "programs" and needed:
        raise DowngradeRefused(
            f"{hop}: {after.reference} does not run on the schema that is there, since {_reasons(needed)}",
            _advice(before, after, bool(final)),
        )
    if by == "snapshot" and (lacking := [change.role for change in changes if after.roles[change.role].disk is None]):
        raise DowngradeRefused(f"{hop}: cannot go by snapshot: nodes of the role {lacking[0]} have no disk")
    if by == "migrations" and final:
        raise DowngradeRefused(f"{hop}: cannot go by migrations: {_reasons(final)}", _advice(before, after, True))
    return Downgrade(before.reference, after.reference, by, changes, known)


def nodes_restored(before: ReleaseInputs | None, after: ReleaseInputs, going: Downgrade | None) -> list[str]:
    """Return the nodes whose disks become what a snapshot kept."""
    roles = going.restored if going else set()
    return [name for name, node in after.nodes.items() if node.role in roles and before and name in before.nodes]


def _reasons(migrations: list[Migration]) -> str:
    return ", ".join(f"{each.component}'s {each.label} is {each.kind}" for each in migrations)


def _advice(before: ReleaseInputs, after: ReleaseInputs, is_final: bool) -> str:
    """Say how it can go: by migrations unless that is final which was done."""
    by = "snapshot" if is_final else "migrations"
    means = (
        "disks can be what they were when it ran, if there is a snapshot of that (`soop snapshot list`), and what was "
        "written since is lost"
        if is_final
        else "its down-migrations make room for it, and what only the newer schema holds is lost"
    )
    word = f"lose_data: {{from: {before.reference.version}, to: {after.reference.version}, by: {by}}}"
    flag = f", or soop deploy --lose-data {by}" if _is_older(after, before) else ""  # which is said of older ones alone
    return f"{means}; if you want that: `{word}` beside `service: {after.reference}`{flag}"


def _is_older(one: ReleaseInputs, other: ReleaseInputs) -> bool:
    return version_key(one.reference.version) < version_key(other.reference.version)


def downgrade_in_words(going: Downgrade) -> list[str]:
    """Say how a downgrade goes, and what is lost."""
    hop = f"{going.before} -> {going.after.version}"
    labels = {change.role: ", ".join(each.label for each in change.undone) for change in going.changes}
    if going.by == "programs":
        kept = "; ".join(f"{role}: {names}" for role, names in labels.items())
        return [f"{hop}: programs only; the schema keeps {kept}, on which {going.after} runs; no data is lost"]
    if going.by == "snapshot":
        return [
            f"{hop}: disks of the role {role} are what a snapshot kept; what was written since is lost"
            for role in labels
        ]
    return [
        f"{hop}: down-migrations undo {names} on nodes of the role {role}; what only they hold is lost"
        for role, names in labels.items()
    ]


def held_in_words(before: ReleaseInputs, after: ReleaseInputs, roles: Collection[RoleName]) -> str | None:
    """Say why nothing can be rolled back once nodes of some roles were configured; None if it can."""
    found = [f"{each.label} ({role}) is {each.kind}" for role, each in breaking(before, after) if role in roles]
    found += [move_in_words(move) for move in moves(before, after) if move.role in roles]
    if not found:
        return None
    return (
        f"{', '.join(found)}, and {before.reference} does not run on its result; nodes stay as they are: "
        f"deploy {after.reference} again, or a version with the fix"
    )


def upgrade_in_words(before: ReleaseInputs, after: ReleaseInputs) -> list[str]:
    """Say what cannot be rolled back once it was applied, and what happens instead."""
    moved = [
        f"{before.reference} -> {after.reference.version}: {move_in_words(move)}: its programs are stopped, a snapshot "
        "is taken, and new machines read what the old ones have written out; if the update fails after that, "
        f"{_RESTORED}"
        for move in moves(before, after)
    ]
    return moved + [
        f"{before.reference} -> {after.reference.version}: {migration.label} ({role}) is {migration.kind}: "
        f"{before.reference} does not run on its result; if the update fails after it, {_instead(after.roles[role])}"
        for role, migration in breaking(before, after)
    ]


def _instead(role: RolePlan) -> str:
    if role.disk is not None and role.rollout.snapshot:
        return _RESTORED
    return "nothing is rolled back, and nodes stay as they are until a version that runs on it is deployed"

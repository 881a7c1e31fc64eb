"""What an update means for schemas: which migrations run, are undone or stay, what is refused, and in which order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from soop_components.errors import SoopError
from soop_components.machines.snapshots import Snapshot
from soop_components.model.domain import LoseData
from soop_components.preview.migrations import migration_changes
from soop_components.release.downgrade import (
    DowngradeRefused,
    breaking,
    downgrade,
    downgrade_in_words,
    upgrade_in_words,
)
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.order import rollout_order
from soop_components.release.snapshots import newest_of
from soop_components.release.steps import Configure, MigrateDown, Parallel
from tests.unit.release.databases import agreed, version, word
from tests.unit.release.example import SERVING


@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 2), (1, 5), (5, 5)])
def test_what_has_all_migrations_is_no_downgrade(before: int, after: int) -> None:
    assert downgrade(version(before), version(after)) is None


def test_the_schema_stays_where_the_older_version_runs_on_it() -> None:
    going = downgrade(version(2), version(1))
    assert going is not None
    assert (going.by, going.first("database"), going.last("database")) == ("programs", (), ())
    [said] = downgrade_in_words(going)
    assert said == (
        "a-service-1.2.0 -> 1.1.0: programs only; the schema keeps database: 002_m, on which a-service-1.1.0 runs; "
        "no data is lost"
    )


@pytest.mark.parametrize(
    ("before", "after", "first", "last"),
    [
        (2, 1, (), (("store", 1),)),
        (3, 2, (("store", 2),), ()),
        (4, 2, (("store", 2),), ()),
        (4, 1, (("store", 2),), (("store", 1),)),
        (4, 3, (), (("store", 3),)),
    ],
)
def test_what_older_programs_need_is_undone_first_and_the_rest_last(
    before: int, after: int, first: object, last: object
) -> None:
    going = downgrade(version(before), agreed(before, after))
    assert going is not None
    assert (going.by, going.first("database"), going.last("database")) == ("migrations", first, last)
    assert going.first("web") == going.last("web") == ()


def test_a_contract_is_refused_without_a_word_and_says_how_it_can_go() -> None:
    with pytest.raises(DowngradeRefused) as refused:
        downgrade(version(3), version(2))
    assert "a-service-1.3.0 -> 1.2.0: a-service-1.2.0 does not run on the schema" in refused.value.message
    assert "store's 003_m is contract" in refused.value.message
    assert "`lose_data: {from: 1.3.0, to: 1.2.0, by: migrations}`" in str(refused.value)
    assert "or soop deploy --lose-data migrations" in str(refused.value)


def test_a_later_version_that_lacks_migrations_is_not_told_of_an_option_that_is_said_of_older_ones() -> None:
    with pytest.raises(DowngradeRefused) as refused:
        downgrade(version(3), version(4, migrations=2))
    assert "`lose_data: {from: 1.3.0, to: 1.4.0, by: migrations}` beside `service: " in str(refused.value)
    assert "--lose-data" not in str(refused.value)


@pytest.mark.parametrize("stale", [word(4, 2), word(3, 1)])
def test_a_word_holds_for_one_downgrade_only(stale: LoseData) -> None:
    with pytest.raises(DowngradeRefused):
        downgrade(version(3), replace(version(2), lose_data=stale))


@pytest.mark.parametrize("after", [version(4), agreed(5, 4)])
def test_what_nothing_undoes_is_refused_with_and_without_a_word(after: ReleaseInputs) -> None:
    with pytest.raises(DowngradeRefused, match="store's 005_m is irreversible") as refused:
        downgrade(version(5), after)
    assert "`lose_data: {from: 1.5.0, to: 1.4.0, by: snapshot}`" in str(refused.value)


def test_a_snapshot_brings_back_what_nothing_undoes_where_there_is_a_disk() -> None:
    after = agreed(5, 1, "snapshot")
    going = downgrade(version(5), after)
    assert going is not None
    assert (going.by, going.restored) == ("snapshot", {"database"})
    assert going.first("database") == going.last("database") == ()
    database = after.roles["database"].model_copy(update={"disk": None})
    with pytest.raises(DowngradeRefused, match="nodes of the role database have no disk"):
        downgrade(version(5), replace(after, roles={**after.roles, "database": database}))


def test_the_newest_snapshot_of_the_older_version_is_restored() -> None:
    after = version(1)

    def snapshot(label: str, hour: int, of: str = "a-service-1.1.0") -> Snapshot:
        return Snapshot("database-1", label, f"2026-11-28T0{hour}:00:00+00:00", 1, of, after.digest)

    found = [snapshot("b", 2), snapshot("a", 1), snapshot("c", 3, "a-service-1.0.0")]
    assert newest_of(after, ["database-1"], found)["database-1"].label == "b"
    with pytest.raises(SoopError, match=r"no snapshot of database-1 from when a-service-1\.1\.0 ran"):
        newest_of(after, ["database-1"], found[2:])


def test_first_migrations_count_as_they_declare() -> None:
    assert [each.number for _, each in breaking(version(1, migrations=0), version(5))] == [3, 5]
    going = downgrade(version(2), version(1, migrations=0))
    assert going is not None
    assert going.by == "programs"
    with pytest.raises(DowngradeRefused, match="store's 003_m is contract") as refused:
        downgrade(version(3), version(2, migrations=0))
    assert "by: snapshot" in str(refused.value)
    with pytest.raises(DowngradeRefused, match="cannot go by migrations: store's 003_m is contract"):
        downgrade(version(3), replace(version(2, migrations=0), lose_data=word(3, 2)))
    going = downgrade(version(2), replace(version(1, migrations=0), lose_data=word(2, 1)))
    assert going is not None
    assert (going.first("database"), going.last("database")) == ((), ()), "it has no program that undoes any"


def test_migrations_of_a_new_component_break_nothing_and_are_shown() -> None:
    without = version(1, migrations=0)
    database = without.roles["database"].model_copy(update={"components": {}})
    without = replace(without, roles={**without.roles, "database": database})
    assert breaking(without, version(3)) == []
    assert downgrade(version(3), without) is None
    shown = [(each.migration, each.direction) for each in migration_changes(without, version(3), None)]
    assert shown == [("001_m", "up"), ("002_m", "up"), ("003_m", "up")]


def test_an_upgrade_says_what_cannot_be_rolled_back() -> None:
    assert upgrade_in_words(version(1), version(2)) == []
    said = upgrade_in_words(version(2), version(5))
    assert [text.partition(" is ")[0] for text in said] == [
        "a-service-1.2.0 -> 1.5.0: 003_m (database)",
        "a-service-1.2.0 -> 1.5.0: 005_m (database)",
    ]


def test_the_order_of_a_downgrade() -> None:
    after = agreed(4, 1)
    order = rollout_order(after, dict.fromkeys(after.nodes, SERVING), 9, (), downgrade(version(4), after))
    web = ("web-1", "web-2")
    first, last = (MigrateDown(("database-1",), (("store", number),)) for number in (2, 1))
    assert order.change == [Parallel(((Configure(("database-1",)), first),)), Parallel(((Configure(web),),))]
    assert order.leave == [last]

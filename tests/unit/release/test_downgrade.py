"""What an update means for schemas: which migrations run, are undone or stay, what is refused, and in which order."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest

from soop_components.errors import SoopError
from soop_components.machines.snapshots import Snapshot
from soop_components.model.data import Migration, MigrationKind
from soop_components.model.domain import LoseData
from soop_components.model.names import Reference
from soop_components.model.plan import ComponentPlan, RolePlan, Script
from soop_components.model.service import RolloutSettings
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
from soop_components.release.schemas import Schemas, rows_lost
from soop_components.release.snapshots import newest_of
from soop_components.release.steps import Configure, MigrateDown, Parallel
from soop_components.release.verdict import ReleaseFailed
from tests.unit.release.example import DIGEST, SERVING, release_of
from tests.unit.release.fake_nodes import FakeNode, Nodes

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


def test_a_downgrade_to_a_snapshot_keeps_what_is_there_for_its_rollback() -> None:
    nodes = Nodes(STATES, {("script", "database-1"): fail}, release=agreed(5, 4, "snapshot"))
    nodes.snapshots.found = {("database-1", "older")}
    nodes.snapshots.of = {"older": ("a-service-1.4.0", DIGEST)}
    with pytest.raises(ReleaseFailed):
        asyncio.run(nodes.run(version(5)))
    kinds = ("snapshot", "restore", "apply", "roll_back")
    done = [name for name, node in nodes.calls if node == "database-1" and name in kinds]
    assert done == ["snapshot", "restore", "apply", "restore", "roll_back"]
    assert nodes.snapshots.restored == ["older", "a-service-1.5.0.before-1.4.0"]


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


STATES = dict.fromkeys(version(1).nodes, SERVING)
UNDO = "script 5432 --down-to"


def test_migrations_are_undone_where_the_order_says_so() -> None:
    nodes = Nodes(STATES, release=agreed(4, 1))
    asyncio.run(nodes.run(version(4)))
    done = [(name, node) for name, node in nodes.calls if name in ("apply", "accept") or name.startswith("script")]
    assert done == [
        ("script 5432 --allow-older 2", "database-1"),
        ("apply", "database-1"),
        (f"{UNDO} 2", "database-1"),
        ("apply", "web-1"),
        ("apply", "web-2"),
        ("script", "database-1"),
        (f"{UNDO} 1", "database-1"),
        *(("accept", name) for name in ("database-1", "web-1", "web-2")),
    ]


def fail() -> None:
    raise SoopError("out of luck")


def test_where_undoing_fails_the_database_is_rolled_back_before_what_needs_it() -> None:
    nodes = Nodes(STATES, {(f"{UNDO} 1", "database-1"): fail}, release=agreed(4, 1))
    with pytest.raises(ReleaseFailed):
        asyncio.run(nodes.run(version(4)))
    assert nodes.called("roll_back")[0] == "database-1"
    assert sorted(nodes.called("roll_back")) == sorted(STATES)


def test_a_downgrade_to_which_nobody_agreed_touches_nothing() -> None:
    nodes = Nodes(STATES, release=version(3))
    with pytest.raises(DowngradeRefused):
        asyncio.run(nodes.run(version(5)))
    assert nodes.calls == []


def test_nothing_is_rolled_back_to_programs_that_cannot_run() -> None:
    nodes = Nodes(STATES, {("apply", "web-2"): fail}, release=version(3))
    nodes.exit_codes[("script 5432 --lacks 3", "database-1")] = 1
    with pytest.raises(ReleaseFailed, match=r"not rolled back: 003_m \(database\) is contract, and a-service-1"):
        asyncio.run(nodes.run(version(2)))
    assert nodes.called("roll_back") == []


@pytest.mark.parametrize("call", [("hosts", "web-2"), ("apply", "database-1")])
def test_all_is_rolled_back_as_long_as_no_schema_was_changed(call: tuple[str, str]) -> None:
    nodes = Nodes(STATES, {call: fail}, release=version(3))
    with pytest.raises(ReleaseFailed) as failed:
        asyncio.run(nodes.run(version(2)))
    assert "not rolled back" not in str(failed.value)


@pytest.mark.parametrize(
    ("before", "after", "serve"),
    [
        (version(1), version(2), True),
        (version(2), version(3), False),
        (version(3), version(4), True),
        (version(2), version(1), True),
        (version(3), agreed(3, 2), False),
        (version(5), agreed(5, 4, "snapshot"), False),
    ],
)
def test_nodes_may_go_back_by_themselves_while_schemas_serve_both_versions(
    before: ReleaseInputs, after: ReleaseInputs, serve: bool
) -> None:
    assert Schemas(after, before, dict.fromkeys(after.nodes)).serve_both is serve


def test_rows_are_counted_on_one_node_of_each_role_that_has_a_database() -> None:
    before, after = version(4), agreed(4, 1)
    nodes = Nodes(STATES, release=before)
    going = downgrade(before, after)
    assert going is not None
    asked = {name: FakeNode(nodes, node.target) for name, node in before.nodes.items()}
    call = ("script 5432 --rows 1", "database-1")
    nodes.exit_codes[call] = 2
    for at in ({}, {call: fail}):  # where it fails, the node does not answer
        nodes.at = at
        lines = asyncio.run(rows_lost(before, going, asked))
        assert lines == ["database-1: would be lost: its rows cannot be counted"]
        assert nodes.calls.pop() == call
        assert nodes.calls == []
    nobody = replace(before, nodes={name: node for name, node in before.nodes.items() if node.role == "web"})
    lines = asyncio.run(rows_lost(nobody, going, asked))
    assert lines == ["database: would be lost: its rows cannot be counted"]
    assert nodes.calls == []

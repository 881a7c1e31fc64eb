"""What a rollout does with schemas: what is undone when, and what keeps nodes from being rolled back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from soop_components.errors import SoopError
from soop_components.release.downgrade import (
    DowngradeRefused,
    downgrade,
)
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.schemas import Schemas, rows_lost
from soop_components.release.verdict import ReleaseFailed
from tests.unit.release.databases import agreed, version
from tests.unit.release.example import DIGEST, SERVING
from tests.unit.release.fake_nodes import FakeNode, Nodes

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

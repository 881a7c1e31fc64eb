"""Snapshots in a rollout: before which changes they are taken, and what happens with them when it fails."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from soop_components.machines.local.root_helper import request
from soop_components.machines.snapshots import LABEL
from soop_components.model.names import LONGEST_SERVICE_NAME, LONGEST_VERSION, Reference
from soop_components.model.service import RolloutSettings
from soop_components.release.snapshots import label_before, snapshot_of
from soop_components.release.verdict import ReleaseFailed
from soop_components.runner.vocabulary import Change
from tests.unit.release.example import EARLIER, LEFT, RELEASE, ROLES, SERVING, SNAPSHOT
from tests.unit.release.failing import failure
from tests.unit.release.fake_nodes import Nodes

DATABASE = "database-1"
SERVES = dict.fromkeys(RELEASE.nodes, SERVING)


def run(nodes: Nodes) -> None:
    asyncio.run(nodes.run())


def run_to_failure(nodes: Nodes) -> str:
    with pytest.raises(ReleaseFailed) as caught:
        run(nodes)
    return str(caught.value)


def on_database(nodes: Nodes, *without: str) -> list[str]:
    return [name for name, node in nodes.calls if node == DATABASE and name not in ("receive", *without)]


def test_only_a_disk_whose_node_changes_and_whose_role_asks_gets_one() -> None:
    assert snapshot_of(EARLIER, RELEASE, DATABASE) == SNAPSHOT
    assert snapshot_of(EARLIER, RELEASE, "web-1") is None, "no disk"
    same_plan = replace(RELEASE, reference=Reference("a-service", "1.0.0"))
    assert snapshot_of(same_plan, RELEASE, DATABASE) is None, "no change but the name of the version"
    assert snapshot_of(None, RELEASE, DATABASE) is None, "new"
    silent = ROLES["database"].model_copy(update={"rollout": RolloutSettings()})
    assert snapshot_of(EARLIER, replace(RELEASE, roles={**ROLES, "database": silent}), DATABASE) is None
    assert (
        snapshot_of(replace(EARLIER, reference=RELEASE.reference), RELEASE, DATABASE)
        == "a-service-1.0.1.before-changes"
    )


def test_the_longest_name_of_one_is_a_name_that_one_may_have() -> None:
    service, version = "a-".ljust(LONGEST_SERVICE_NAME, "s"), "1.0.0-".ljust(LONGEST_VERSION, "a")
    label = label_before(Reference(service, version), Reference(service, f"{version[:-1]}b"))
    assert LABEL.fullmatch(label)
    assert request.LABEL.pattern == LABEL.pattern


def test_it_is_taken_when_there_is_room_and_just_before_the_node_is_changed() -> None:
    nodes = Nodes(SERVES)
    run(nodes)
    assert on_database(nodes, "script") == ["open", "inspect", "room", "hosts", "snapshot", "apply", "accept"]
    assert nodes.snapshots.found == {(DATABASE, SNAPSHOT)}


def test_without_room_nothing_is_changed() -> None:
    nodes = Nodes(SERVES, {("room", DATABASE): failure(DATABASE)})
    assert "not accepted: database-1: out of luck" in run_to_failure(nodes)
    assert {name for name, _ in nodes.calls} == {"open", "inspect", "room"}


def test_what_a_killed_attempt_has_left_replaces_no_snapshot() -> None:
    for changes in ({DATABASE: LEFT}, {}):
        nodes = Nodes({**SERVES, **changes})
        if not changes:
            nodes.begun[DATABASE] = (Change("apply", "a-service-1.0.1", "finish"),)
        run(nodes)
        assert nodes.called("snapshot") == []


def test_a_rollback_restores_only_what_the_last_good_version_cannot_do_without() -> None:
    for bound in (False, True):
        nodes = Nodes(SERVES, {("script", DATABASE): failure(DATABASE)})
        if bound:
            nodes.bind_to_disk()
        assert "rolled back to the last good version: database-1" in run_to_failure(nodes)
        tail = on_database(nodes)[on_database(nodes).index("script") + 1 :]
        asked, restored = (["script --lacks 2"], ["restore", "status"]) if bound else ([], [])
        assert tail == [*asked, "status", *restored, "reopen", "roll_back"]


def test_a_node_that_has_rolled_itself_back_gets_its_disk_all_the_same() -> None:
    nodes = Nodes(SERVES, {("apply", DATABASE): failure(DATABASE, rolled_back=True)})
    nodes.bind_to_disk()
    run_to_failure(nodes)
    assert on_database(nodes)[-4:] == ["restore", "status", "reopen", "roll_back"]


def test_a_disk_that_cannot_be_restored_is_reported_and_its_node_not_rolled_back() -> None:
    nodes = Nodes(SERVES, {("script", DATABASE): failure(DATABASE), ("restore", DATABASE): failure(DATABASE)})
    nodes.bind_to_disk()
    assert "could not be rolled back: database-1: out of luck" in run_to_failure(nodes)
    assert DATABASE not in nodes.called("roll_back")


def test_a_snapshot_that_was_asked_for_is_restored_and_a_rollback_brings_back_what_was_there() -> None:
    wanted = "a-service-1.0.1.before-1.0.2"
    nodes = Nodes(SERVES, {("script", DATABASE): failure(DATABASE)})
    nodes.restores = {DATABASE: wanted}
    assert "database-1 has no snapshot a-service-1.0.1.before-1.0.2" in run_to_failure(nodes)
    assert {name for name, _ in nodes.calls} == {"open", "inspect"}
    nodes = Nodes(SERVES, {("script", DATABASE): failure(DATABASE)})
    nodes.restores = {DATABASE: wanted}
    nodes.snapshots.found.add((DATABASE, wanted))
    run_to_failure(nodes)
    done = on_database(nodes, "open", "inspect", "room", "hosts", "status", "script")
    assert done == ["snapshot", "restore", "apply", "restore", "reopen", "roll_back"]
    assert nodes.snapshots.restored == [wanted, SNAPSHOT]


@pytest.mark.parametrize("is_restored", [False, True])
def test_what_was_there_before_a_killed_attempt_restored_the_disk_is_kept(is_restored: bool) -> None:
    wanted = "a-service-1.0.1.before-1.0.2"
    nodes = Nodes(SERVES, {("script", DATABASE): failure(DATABASE)})
    nodes.restores = {DATABASE: wanted}
    nodes.snapshots.found = {(DATABASE, wanted), (DATABASE, SNAPSHOT)}
    nodes.other_disks = {DATABASE} if is_restored else set()
    run_to_failure(nodes)
    assert nodes.called("snapshot") == ([] if is_restored else [DATABASE])
    assert nodes.snapshots.restored == [wanted, SNAPSHOT]


@pytest.mark.parametrize("newest", [SNAPSHOT, "a-service-1.0.0.before-1.0.2"])
def test_what_the_last_killed_attempt_kept_is_restored_whatever_it_was_to(newest: str) -> None:
    nodes = Nodes({**SERVES, DATABASE: replace(LEFT, has_changes=True)}, {("script", DATABASE): failure(DATABASE)})
    nodes.bind_to_disk()
    nodes.snapshots.found = {
        (DATABASE, SNAPSHOT),
        (DATABASE, "a-service-1.0.0.before-1.0.2"),
        (DATABASE, "a-service-9"),
    }
    nodes.snapshots.newest = newest
    run_to_failure(nodes)
    assert nodes.called("snapshot") == []
    assert nodes.snapshots.restored == [newest]


@pytest.mark.parametrize("ahead", [None, 0, 7200, -7200])
@pytest.mark.parametrize(("hour", "held"), [(9, False), (11, True)])
def test_what_was_kept_before_the_version_was_accepted_is_too_old(hour: int, held: bool, ahead: int | None) -> None:
    """A killed attempt has taken no snapshot; one of an attempt before, which was rolled back, is of hour 10.

    The nodes' clocks may be ahead of ours, by which snapshots are taken.
    """
    nodes = Nodes({**SERVES, DATABASE: replace(LEFT, has_changes=True)}, {("script", DATABASE): failure(DATABASE)})
    nodes.bind_to_disk()
    nodes.snapshots.found = {(DATABASE, SNAPSHOT)}
    nodes.shown_time = 0 if ahead is None else int(time.time()) + ahead
    nodes.good_since = int(datetime(2026, 11, 28, hour, tzinfo=UTC).timestamp()) + (ahead or 0)
    assert ("nodes stay as they are" in run_to_failure(nodes)) == held
    assert nodes.snapshots.restored == ([] if held else [SNAPSHOT])


def test_what_an_older_attempt_kept_is_not_restored_after_a_repair_that_did_not_come_to_its_end() -> None:
    """No snapshot was taken before the repair, and what was written since the old one is on the disk alone."""
    nodes = Nodes(SERVES, {("script", DATABASE): failure(DATABASE)})
    nodes.bind_to_disk()
    nodes.begun[DATABASE] = (Change("apply", "a-service-1.0.1", "finish"),)
    nodes.repaired = {DATABASE}
    nodes.snapshots.found = {(DATABASE, "a-service-1.0.0.before-1.0.2")}
    with pytest.raises(ReleaseFailed, match=r"nodes stay as they are: deploy a-service-1\.0\.1 again") as failed:
        run(nodes)
    assert (failed.value.held, failed.value.rolled_back) == (True, False)
    assert nodes.snapshots.restored == []
    assert nodes.called("roll_back") == []


@pytest.mark.parametrize(
    ("lacks", "kept", "restored"), [(0, True, []), (1, True, [SNAPSHOT]), (1, False, None), (None, True, None)]
)
def test_a_schema_that_a_killed_attempt_changed_counts_also_where_this_one_has_not_come_to_it(
    lacks: int | None, kept: bool, restored: list[str] | None
) -> None:
    nodes = Nodes({**SERVES, DATABASE: LEFT}, {("apply", "web-1"): failure("web-1")})
    nodes.bind_to_disk()
    nodes.snapshots.found = {(DATABASE, SNAPSHOT)} if kept else set()
    if lacks is None:
        nodes.at["script --lacks 2", DATABASE] = failure(DATABASE)
    else:
        nodes.exit_codes["script --lacks 2", DATABASE] = lacks
    said = run_to_failure(nodes)
    assert DATABASE not in nodes.called("apply")
    assert nodes.snapshots.restored == (restored or [])
    if restored is None:
        assert "nodes stay as they are: deploy a-service-1.0.1 again" in said
        assert nodes.called("roll_back") == []
    else:
        assert "rolled back to the last good version: database-1, web-1" in said
        assert DATABASE in nodes.called("roll_back")


def test_a_snapshot_that_fails_stops_the_rollout() -> None:
    nodes = Nodes(SERVES, {("snapshot", DATABASE): failure(DATABASE)})
    assert "not accepted: database-1: out of luck" in run_to_failure(nodes)
    assert DATABASE not in nodes.called("roll_back"), "it was not touched"

"""Data that other versions of its programs cannot read: how it moves in an upgrade, and that it does not move back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from soop_components.model.data import Data
from soop_components.model.domain import LoseData
from soop_components.model.plan import ComponentPlan, Package, RolePlan
from soop_components.model.service import RolloutSettings
from soop_components.preview.migrations import way_back
from soop_components.preview.order import step_in_words
from soop_components.preview.steps import steps_of
from soop_components.release.downgrade import DowngradeRefused, downgrade, downgrade_in_words, upgrade_in_words
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.moves import moved_roles
from soop_components.release.order import NodeState
from soop_components.release.snapshots import snapshot_of
from tests.unit.release.example import DIGEST, EARLIER, LEFT, NEW, RELEASE, SERVING, SNAPSHOT
from tests.unit.release.failing import failure, run
from tests.unit.release.fake_nodes import Nodes

NODE = "database-1"
SERVES = dict.fromkeys(RELEASE.nodes, SERVING)
HANDS_OVER = "script 17"
OF_17 = Data(component="store", written_by="sql-17", moved_from=("sql-15",), blob=DIGEST, source="x", arguments=("17",))
RETURNED = ["restore", "status", "rebuild", "reopen", "hosts", "inspect", "receive", "apply", "accept"]


def with_store(release: ReleaseInputs, package: str, *data: Data, disk: str | None = "/srv") -> ReleaseInputs:
    """Return a release of which the database is that of a package."""
    packages = {package: Package(version="1", architecture="all", digest=DIGEST, size=1)}
    role = RolePlan(
        packages=packages,
        components={"store": ComponentPlan(blob=DIGEST)},
        rollout=RolloutSettings(canaries=0),
        disk=disk,
        data=data,
    )
    return replace(release, roles={**release.roles, "database": role})


OLD = replace(with_store(EARLIER, "sql-15"), base="debian-12")
"""Built when nobody spoke of data that moves."""
NEWER = replace(with_store(RELEASE, "sql-17", OF_17), base="debian-13")
STILL_15 = OF_17.model_copy(update={"written_by": "sql-15", "moved_from": ()})


def upgraded(states: Mapping[str, NodeState] = SERVES) -> Nodes:
    """Return nodes with the old version, which are to get the newer one."""
    nodes = Nodes(states, release=NEWER)
    nodes.earlier = OLD
    nodes.bases = dict.fromkeys(RELEASE.nodes, "debian-12")
    return nodes


def on_database(nodes: Nodes) -> list[str]:
    """Return what was done on the node of the database once all nodes knew each other's names."""
    calls = [name for name, node in nodes.calls if node == NODE]
    return [name for name in calls[calls.index("hosts") + 1 :] if name != "script"]


def test_data_moves_where_its_disk_stays_and_the_older_package_wrote_it() -> None:
    assert moved_roles(OLD, NEWER) == {"database"}
    assert moved_roles(with_store(EARLIER, "sql-15", STILL_15), NEWER) == {"database"}
    assert moved_roles(None, NEWER) == set()
    assert moved_roles(NEWER, NEWER) == set()
    assert moved_roles(with_store(EARLIER, "sql-15", disk=None), NEWER) == set()
    assert moved_roles(with_store(EARLIER, "another"), NEWER) == set()
    named = STILL_15.model_copy(update={"written_by": "SQL 15"})
    newer = with_store(RELEASE, "sql", OF_17.model_copy(update={"written_by": "SQL 17", "moved_from": ("SQL 15",)}))
    assert moved_roles(with_store(EARLIER, "sql", named), newer) == {"database"}, "packages of both are called alike"
    assert moved_roles(newer, newer) == set()
    assert downgrade(OLD, NEWER) is None
    assert snapshot_of(OLD, NEWER, NODE) == SNAPSHOT, "although the role does not ask for any"
    [said] = upgrade_in_words(OLD, NEWER)
    assert "store's data (database) moves from sql-15 to sql-17: its programs are stopped, a snapshot is taken" in said


@pytest.mark.parametrize("older", [OLD, with_store(EARLIER, "sql-15", STILL_15)])
def test_older_programs_get_data_back_by_a_snapshot_alone(older: ReleaseInputs) -> None:
    with pytest.raises(DowngradeRefused, match=r"cannot read the data that is there, since store's is of sql-17") as no:
        downgrade(NEWER, older)
    assert "soop deploy --lose-data snapshot" in str(no.value.hint)
    word = LoseData.model_validate({"from": "1.0.1", "to": "1.0.0", "by": "migrations"})
    with pytest.raises(DowngradeRefused):
        downgrade(NEWER, replace(older, lose_data=word))
    going = downgrade(NEWER, replace(older, lose_data=word.model_copy(update={"by": "snapshot"})))
    assert going is not None
    assert going.restored == {"database"}
    assert "disks of the role database are what a snapshot kept" in downgrade_in_words(going)[0]


def test_it_is_handed_over_before_the_snapshot_and_read_by_the_new_machine() -> None:
    nodes = upgraded()
    asyncio.run(nodes.run())
    rebuilt = ["rebuild", "reopen", "hosts", "inspect", "receive", "apply", "accept"]
    assert on_database(nodes) == ["receive", HANDS_OVER, "snapshot", *rebuilt]
    assert nodes.accept_within[NODE] == 0, "a node alone cannot go back"
    assert nodes.called(HANDS_OVER) == [NODE]


@pytest.mark.parametrize("call", ["apply", "script"])
def test_the_snapshot_is_restored_when_anything_fails_on_the_new_machine(call: str) -> None:
    nodes = upgraded()
    nodes.at[call, NODE] = lambda: nodes.at.pop((call, NODE)) and failure(NODE)()
    assert f"rolled back to the last good version: {NODE}" in run(nodes)
    done = on_database(nodes)
    tail = RETURNED if call == "apply" else ["status", *RETURNED]
    assert done[-len(tail) :] == tail
    assert nodes.snapshots.restored == [SNAPSHOT]
    assert nodes.bases[NODE] == "debian-12"


@pytest.mark.parametrize("call", [HANDS_OVER, "snapshot"])
def test_a_disk_stays_as_it_is_when_the_machine_it_has_cannot_hand_over(call: str) -> None:
    nodes = upgraded()
    nodes.snapshots.found.add((NODE, SNAPSHOT))  # of an attempt before, since when much was written
    nodes.at[call, NODE] = failure(NODE)
    assert f"rolled back to the last good version: {NODE}" in run(nodes)
    assert nodes.called("rebuild") == nodes.snapshots.restored == []
    assert nodes.called("roll_back") == [NODE], "its server was stopped already"


@pytest.mark.parametrize("state", [SERVING, replace(LEFT, has_accepted=False)])
def test_what_an_older_attempt_kept_is_restored_no_more_once_this_one_has_begun(state: NodeState) -> None:
    nodes = upgraded({**SERVES, NODE: state})
    nodes.bind_to_disk()
    nodes.snapshots.found.add((NODE, SNAPSHOT))
    nodes.at[HANDS_OVER, NODE] = failure(NODE)
    nodes.at["script --lacks 2", NODE] = failure(NODE)  # it does not say that its schema is what it was
    assert "nodes stay as they are: deploy a-service-1.0.1 again" in run(nodes, nodes.earlier)
    assert nodes.called("snapshot") == nodes.snapshots.restored == nodes.called("roll_back") == []


def test_a_program_that_says_no_stops_the_rollout_with_its_words() -> None:
    nodes = upgraded()
    nodes.exit_codes[HANDS_OVER, NODE] = 1
    assert f"{NODE}: handing store's data over: x ended with 1" in run(nodes)
    assert nodes.called("snapshot") == nodes.called("rebuild") == []


def test_a_new_machine_that_a_killed_attempt_left_goes_on_and_the_snapshot_stays() -> None:
    nodes = upgraded({**SERVES, NODE: NEW})
    nodes.bases[NODE] = "debian-13"
    nodes.snapshots.found.add((NODE, SNAPSHOT))
    asyncio.run(nodes.run())
    assert on_database(nodes) == ["receive", "apply", "accept"]


@pytest.mark.parametrize("base", ["debian-12", "debian-13"])
def test_no_snapshot_is_restored_of_which_nobody_knows_that_it_is_of_this_data(base: str) -> None:
    nodes = upgraded({**SERVES, NODE: replace(NEW, can_roll_back=True)})
    nodes.bases[NODE] = base
    nodes.snapshots.found.add((NODE, SNAPSHOT))
    nodes.at["script", NODE] = failure(NODE)
    assert "nodes stay as they are: deploy a-service-1.0.1 again" in run(nodes, OLD)
    assert nodes.called("snapshot") == nodes.snapshots.restored == []
    assert nodes.called("rebuild").count(NODE) == (1 if base == "debian-12" else 0)


def test_data_that_the_version_before_runs_on_again_gets_a_snapshot_also_where_it_was_not_accepted() -> None:
    nodes = upgraded({**SERVES, NODE: replace(LEFT, has_accepted=False)})
    nodes.snapshots.found.add((NODE, SNAPSHOT))
    nodes.at["script", NODE] = failure(NODE)
    assert f"rolled back to the last good version: {NODE}" in run(nodes, OLD)
    assert on_database(nodes)[:3] == [HANDS_OVER, "snapshot", "rebuild"]
    assert nodes.snapshots.restored == [SNAPSHOT]
    assert nodes.bases[NODE] == "debian-12"


def test_what_a_killed_attempt_has_moved_stays_also_where_another_node_fails() -> None:
    nodes = upgraded({**SERVES, NODE: replace(LEFT, has_accepted=False)})
    nodes.bases[NODE] = "debian-13"
    nodes.snapshots.found.add((NODE, SNAPSHOT))
    nodes.at["apply", "web-1"] = failure("web-1")
    assert "nodes stay as they are: deploy a-service-1.0.1 again" in run(nodes, OLD)
    assert NODE not in {*nodes.called("apply"), *nodes.called("rebuild")}
    assert nodes.called("roll_back") == nodes.snapshots.restored == []


def test_a_node_that_does_not_answer_cannot_hand_over() -> None:
    nodes = upgraded()
    nodes.replace = (NODE,)
    nodes.at["inspect", NODE] = failure(NODE)
    assert f"{NODE} does not answer, and its machine must hand data over to the new one" in run(nodes)
    assert nodes.called("rebuild") == []


def test_a_preview_names_it_among_the_steps_and_refuses_the_way_back() -> None:
    everywhere = RELEASE.nodes.keys()
    lanes = [lane for stage in steps_of(NEWER, everywhere, everywhere, [], OLD, everywhere) for lane in stage]
    [database] = [lane for lane in lanes if any(step.kind == "hand_over" for step in lane)]
    assert {node for step in database for node in step.nodes} == {NODE}
    words = "stop what writes its data, and write that out for the new machine"
    steps = [words, f"take the snapshot {SNAPSHOT}", "make the machine anew", "configure"]
    assert [step_in_words(step) for step in database] == steps
    assert way_back(OLD, NEWER).notes == tuple(upgrade_in_words(OLD, NEWER))
    assert "cannot read the data that is there" in (way_back(NEWER, OLD).refused or "")


def test_it_is_refused_before_anything_is_touched_where_machines_have_no_snapshots() -> None:
    said = way_back(OLD, replace(NEWER, machines="aws")).refused or ""
    assert said.startswith("a-service-1.0.0 -> 1.0.1: store's data (database) moves from sql-15 to sql-17, which takes")
    assert "machines of the kind aws have no snapshots of disks\n  stay with base: debian-12, or bring the data" in said
    assert way_back(NEWER, replace(NEWER, machines="aws")).refused is None
    said = way_back(OLD, replace(NEWER, machines="libvirt")).refused or ""
    assert "which the old machine hands over, and one of the kind libvirt is replaced before it could" in said
    assert way_back(NEWER, replace(NEWER, machines="libvirt")).refused is None

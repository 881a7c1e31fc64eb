"""A rollback leads each node that was touched back to its last good version."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from soop_components.release.order import NodeState
from soop_components.release.verdict import ReleaseFailed
from soop_components.runner.protocol import Failed
from tests.unit.release.example import EARLIER, NEW, RELEASE, SERVING, UPGRADE
from tests.unit.release.failing import (
    assert_rolled_back,
    failure,
    mistake,
    run,
)
from tests.unit.release.fake_machines import FixedMachines
from tests.unit.release.fake_nodes import Nodes


@pytest.mark.parametrize("operation", ["reopen", "roll_back"])
def test_a_node_that_cannot_be_rolled_back_does_not_stop_the_others(operation: str) -> None:
    lost = {(operation, "web-3"): failure("web-3"), (operation, "web-1"): mistake}
    nodes = Nodes(UPGRADE, {("script", "database-1"): failure("database-1"), **lost})
    assert run(nodes).splitlines()[1:] == [
        "  rolled back to the last good version: database-1, web-6, worker-1, worker-2",
        "  could not be rolled back: web-3: out of luck",
        "  could not be rolled back: web-1: IndexError('a mistake of ours')",
        "  the next deployment looks at these nodes and repairs them",
    ]


def test_why_nodes_could_not_roll_themselves_back_is_reported_of_each_that_stays_so() -> None:
    serving = dict.fromkeys(RELEASE.nodes, SERVING)
    full = Failed("files", "the disk is full")
    at = {("apply", name): failure(name, why_not=full._replace(component=name)) for name in ("web-2", "web-3")}
    assert "the disk is full" not in run(Nodes(serving, at))
    lost = {("reopen", name): failure(name) for _, name in at}
    assert run(Nodes(serving, {**at, **lost})).splitlines()[2:] == [
        "  could not be rolled back: web-2: out of luck",
        "  its own rollback had failed before: the disk is full (step files, component web-2)",
        "  could not be rolled back: web-3: out of luck",
        "  its own rollback had failed before: the disk is full (step files, component web-3)",
        "  the next deployment looks at these nodes and repairs them",
    ]


def test_a_mistake_of_ours_is_raised_once_the_nodes_are_rolled_back() -> None:
    nodes = Nodes(UPGRADE, {("apply", "web-1"): mistake})
    with pytest.raises(IndexError):
        asyncio.run(nodes.run())
    assert sorted(nodes.called("roll_back")) == ["database-1", "web-1", "worker-1", "worker-2"]


def test_new_secrets_make_another_version_to_roll_back_to() -> None:
    nodes = Nodes(UPGRADE, {("script", "database-1"): failure("database-1")})
    with pytest.raises(ReleaseFailed, match="web-4"):
        asyncio.run(nodes.run(replace(RELEASE, secrets={"password": "old"})))
    assert "web-4" in nodes.called("roll_back")


def test_a_rollback_begins_with_nodes_that_are_down() -> None:
    """One that became unhealthy since, one that cannot be asked: all others of their role go in batches."""
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING), {("script", "database-1"): failure("database-1")})
    nodes.unhealthy.add("web-2")
    nodes.at["status", "web-1"] = failure("web-1")
    assert_rolled_back(nodes, run(nodes))
    web = [name for name in nodes.called("roll_back") if name.startswith("web")]
    assert web == ["web-1", "web-2", "web-6", "web-5", "web-4", "web-3"]


def test_a_rollback_begins_with_nodes_on_which_the_apply_failed() -> None:
    """The others of the batch serve, so they go afterwards, the newest first."""
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING), {("apply", "web-3"): failure("web-3")})
    assert_rolled_back(nodes, run(nodes))
    web = [name for name in nodes.called("roll_back") if name.startswith("web")]
    assert web == ["web-3", "web-2", "web-1"]


def test_what_only_some_nodes_have_accepted_is_not_rolled_back_to() -> None:
    """A first deployment was killed while it accepted; its state names no version."""
    mixed = {**dict.fromkeys(RELEASE.nodes, SERVING), "web-6": NEW}
    for states, rolled_back in ((mixed, []), (dict.fromkeys(RELEASE.nodes, SERVING), ["database-1"])):
        nodes = Nodes(states, {("apply", "database-1"): failure("database-1")})
        with pytest.raises(ReleaseFailed):
            asyncio.run(nodes.run_without_state())
        assert nodes.called("roll_back") == rolled_back


def test_a_node_that_the_state_does_not_know_has_no_version_to_roll_back_to() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING), {("script", "database-1"): failure("database-1")})
    known = {name: node for name, node in RELEASE.nodes.items() if name != "web-6"}
    with pytest.raises(ReleaseFailed):
        asyncio.run(nodes.run(replace(EARLIER, nodes=known)))
    assert sorted(nodes.called("roll_back")) == sorted(known)
    assert nodes.last_good["web-6"] is None


@pytest.mark.parametrize("state", [NEW, replace(NEW, is_last_good=False)])
def test_a_node_whose_machine_an_earlier_attempt_made_anew_gets_one_with_the_last_good_version(
    state: NodeState,
) -> None:
    states = {**dict.fromkeys(RELEASE.nodes, SERVING), "web-1": state}
    nodes = Nodes(states, {("apply", "web-2"): failure("web-2")})
    assert "  rolled back to the last good version: database-1, web-1, web-2," in run(nodes, EARLIER)
    done = [name for name, node in nodes.calls if node == "web-1"]
    assert done[done.index("rebuild") :][:6] == ["rebuild", "reopen", "hosts", "inspect", "receive", "apply"]
    assert nodes.called("rebuild") == ["web-1"]
    assert nodes.called("accept") == ["web-1"]
    assert "web-1" not in nodes.called("roll_back")

    nodes = Nodes({**states, "web-1": NEW}, {("apply", "database-1"): failure("database-1")})
    assert "web-1" not in run(nodes, EARLIER), "nothing was done on it"
    first = replace(EARLIER, nodes={name: node for name, node in RELEASE.nodes.items() if name != "web-1"})
    nodes = Nodes({**states, "web-1": NEW}, {("apply", "web-2"): failure("web-2")})
    assert "web-1" not in run(nodes, first), "one more node"


def test_a_node_with_a_new_machine_is_named_where_no_other_can_be_made_or_would_be_the_same() -> None:
    stays = "  not rolled back, since no version was accepted on their new machines: web-1; they stay as they are"
    states = {**dict.fromkeys(RELEASE.nodes, SERVING), "web-1": NEW}
    nodes = Nodes(states, {("apply", "web-2"): failure("web-2")})
    nodes.machines = FixedMachines()
    assert stays in run(nodes, EARLIER)
    nodes = Nodes(states, {("apply", "web-2"): failure("web-2")})
    assert stays in run(nodes, RELEASE)
    assert nodes.called("rebuild") == []

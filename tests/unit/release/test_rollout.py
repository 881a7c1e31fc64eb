"""A rollout on nodes in memory: success, and failure or Ctrl-C at each call that it makes on a node."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import NoReturn

import pytest

from soop_components.model.service import RolloutSettings
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.order import NodeState
from soop_components.release.verdict import ReleaseFailed
from tests.unit.release.example import EARLIER, FIRST, RELEASE, ROLES, SERVING, UPGRADE, release_of
from tests.unit.release.failing import (
    BEFORE,
    IN_ROLLBACKS,
    LOOKS,
    assert_rolled_back,
    failure,
    interrupted,
    run,
)
from tests.unit.release.fake_nodes import Call, Nodes


def calls_of_success(states: Mapping[str, NodeState], previous: ReleaseInputs | None = None) -> list[Call]:
    nodes = Nodes(states)
    asyncio.run(nodes.run(previous))
    return nodes.calls


CALLS = calls_of_success(UPGRADE, BEFORE)
LEAVE_WITHOUT_ANSWER = [("open", "web-8"), ("open", "web-7")]
ROLLOUT_ALONE = [call for call in CALLS if call[0] not in IN_ROLLBACKS]
FIRST_CALLS = calls_of_success(FIRST)


def test_each_node_is_waited_for_as_long_as_its_machine_may_take() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.run())
    assert nodes.patience == {name: node.patience for name, node in RELEASE.nodes.items()}


def test_success() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.run())
    assert sorted(nodes.called("apply")) == sorted(name for name, state in UPGRADE.items() if state.has_changes)
    assert nodes.called("roll_back") == []
    assert sorted(nodes.called("accept")) == sorted(RELEASE.nodes)
    order = [name for name, _ in nodes.calls]
    assert order.index("apply") > max(i for i, name in enumerate(order) if name in LOOKS)
    assert order.index("script") > max(i for i, name in enumerate(order) if name == "apply")
    assert order.index("accept") > order.index("script")


@pytest.mark.parametrize("call", [call for call in CALLS if call not in LEAVE_WITHOUT_ANSWER], ids="-".join)
def test_failure_at_each_call(call: Call) -> None:
    operation, node = call
    nodes = Nodes(UPGRADE, {call: failure(node)})
    message = run(nodes, BEFORE)
    assert message.startswith(f"a-service-1.0.1 was not accepted: {node}: out of luck")
    assert (nodes.called("accept") == []) == (operation != "accept")
    assert_rolled_back(nodes, message)


def test_where_one_role_fails_another_ends_with_its_batch() -> None:
    def fail() -> NoReturn:
        begun.extend(name for name in nodes.called("apply") if name.startswith("worker"))
        failure("web-1")()

    begun: list[str] = []
    worker = ROLES["worker"].model_copy(update={"rollout": RolloutSettings(canaries=0, max_in_flight=1)})
    release = release_of({"database": 1, "web": 1, "worker": 6}, {**ROLES, "worker": worker})
    nodes = Nodes(dict.fromkeys(release.nodes, SERVING), {("apply", "web-1"): fail}, release=release)
    message = run(nodes, replace(release, reference=EARLIER.reference))
    applied = [name for name in nodes.called("apply") if name.startswith("worker")]
    assert len(begun) <= len(applied) <= len(begun) + 1 < 6
    assert f"rolled back to the last good version: {', '.join(['database-1', 'web-1', *applied])}" in message


@pytest.mark.parametrize("call", CALLS, ids="-".join)
def test_interruption_at_each_call(call: Call) -> None:
    nodes = interrupted(UPGRADE, call)
    if call[0] == "accept":
        asyncio.run(nodes.run(BEFORE))
        assert nodes.calls == CALLS
        return
    message = run(nodes, BEFORE)
    assert nodes.called("accept") == []
    assert message.startswith("a-service-1.0.1 was not accepted: the deployment was interrupted; run it again to go on")
    assert_rolled_back(nodes, message)
    made = [each for each in nodes.calls if each[0] not in IN_ROLLBACKS]
    assert made == ROLLOUT_ALONE[: len(made)]
    before = [name for name, _ in CALLS[: CALLS.index(call)] if name not in IN_ROLLBACKS]
    finished = {name for name, _ in made[len(before) :]}
    begun = {call[0]} - set(IN_ROLLBACKS) | ({"leave"} if call in LEAVE_WITHOUT_ANSWER else set())
    assert finished == begun or finished <= {"open", "inspect"}, "the step is finished and no other is begun"


@pytest.mark.parametrize("call", FIRST_CALLS, ids="-".join)
def test_a_first_deployment_has_no_version_to_roll_back_to(call: Call) -> None:
    nodes = Nodes(FIRST, {call: failure(call[1])})
    assert_rolled_back(nodes, run(nodes))
    if call[0] != "accept":
        nodes = interrupted(FIRST, call)
        assert_rolled_back(nodes, run(nodes))


@pytest.mark.parametrize("node", [name for operation, name in CALLS if operation == "apply"])
def test_a_node_that_has_rolled_itself_back_is_not_asked_to(node: str) -> None:
    nodes = Nodes(UPGRADE, {("apply", node): failure(node, rolled_back=True)})
    assert_rolled_back(nodes, run(nodes), node)


def test_a_machine_of_another_service_is_refused() -> None:
    nodes = Nodes(UPGRADE, serves="b-service")
    message = run(nodes)
    assert "database-1: the machine already serves b-service-1.0.0" in message
    assert {operation for operation, _ in nodes.calls} == {"open", "inspect"}


@pytest.mark.parametrize("call", [None, ("script", "database-1")])
def test_names_of_nodes_that_leave_stay_whatever_comes(call: Call | None) -> None:
    """Their machines go last, after a success; after a failure they stay."""
    leaving = {"web-7": "10.0.0.7", "neighbour-1": "10.0.1.1", "web-8": "10.0.0.1"}
    previous = replace(EARLIER, hosts={**RELEASE.hosts, **leaving})
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING), {call: failure(call[1])} if call else None)
    with pytest.raises(ReleaseFailed) if call else nullcontext():
        asyncio.run(nodes.run(previous))
    del leaving["web-8"]  # its address belongs to another node now
    assert nodes.names == {name: {**RELEASE.hosts, **leaving} for name in RELEASE.nodes}
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING))
    asyncio.run(nodes.run())
    assert nodes.names == dict.fromkeys(RELEASE.nodes, RELEASE.hosts)

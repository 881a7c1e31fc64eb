"""A rollout on nodes in memory: success, and failure or Ctrl-C at each call that it makes on a node."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from soop_components.errors import SoopError
from soop_components.model.plan import HookPlan, RolePlan
from soop_components.model.service import RolloutSettings
from soop_components.release.inputs import ReleaseInputs, ReleaseNode
from soop_components.release.node import NodeFailure
from soop_components.release.order import NodeState
from soop_components.release.verdict import ReleaseFailed
from soop_components.release.watching import watch
from soop_components.runner.protocol import Failed, Inspected
from soop_components.transport.ssh import Target
from tests.clock import SetClock
from tests.unit.release.fake_nodes import (
    DIGEST,
    EARLIER,
    FIRST,
    NEW,
    RELEASE,
    ROLES,
    SERVING,
    UPGRADE,
    Call,
    FakeNode,
    Nodes,
    release_of,
)


def with_leaving(count: int) -> ReleaseInputs:
    """Return a release before, which had so many web nodes more."""
    more = {
        f"web-{number}": ReleaseNode(Target(f"web-{number}", "10.0.0.9", "key"), "web", number)
        for number in range(7, 7 + count)
    }
    return replace(EARLIER, nodes={**RELEASE.nodes, **more})


def calls_of_success(states: Mapping[str, NodeState], previous: ReleaseInputs | None = None) -> list[Call]:
    nodes = Nodes(states)
    asyncio.run(nodes.run(previous))
    return nodes.calls


BEFORE = with_leaving(2)
CALLS = calls_of_success(UPGRADE, BEFORE)
LEAVE_WITHOUT_ANSWER = [("open", "web-8"), ("open", "web-7")]
IN_ROLLBACKS = ("status", "reopen", "roll_back", "drain", "undrain", "join")
ROLLOUT_ALONE = [call for call in CALLS if call[0] not in IN_ROLLBACKS]
FIRST_CALLS = calls_of_success(FIRST)
LOOKS = ("open", "inspect", "hosts")


def failure(node: str, rolled_back: bool = False, why_not: Failed | None = None) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        failed = Failed(None, "out of luck", rolled_back=rolled_back, rollback_failure=why_not)
        raise NodeFailure(node, failed)

    return fail


def before(node: str) -> str:
    """Return the plan digest that the state names for a node."""
    return str(EARLIER.documents[node]["plan_digest"])


def mistake() -> NoReturn:
    raise IndexError("a mistake of ours")


def run(nodes: Nodes, previous: ReleaseInputs | None = None) -> str:
    """Run a rollout that fails; return what it says."""
    with pytest.raises(ReleaseFailed) as caught:
        asyncio.run(nodes.run(previous))
    return str(caught.value)


def interrupted(states: Mapping[str, NodeState], call: Call) -> Nodes:
    """Return nodes where Ctrl-C is pressed during a call."""
    nodes = Nodes(states)
    nodes.at[call] = nodes.cancellation.request
    return nodes


def assert_rolled_back(nodes: Nodes, message: str, done_already: str | None = None) -> None:
    """See that what does not run its last good version was rolled back, and that nothing else was."""
    configured = nodes.called("apply")
    looked = {"hosts", "roll_back"} & {name for name, _ in nodes.calls}  # an interruption may come before or after
    left = [name for name, state in nodes.states.items() if looked and not state.is_last_good]
    changed = [name for name in configured + left if nodes.states[name].can_roll_back]
    assert sorted(nodes.called("roll_back")) == sorted(set(changed) - {done_already})
    last = {name: nodes.last_good.get(name) for name in changed}
    assert last == {name: before(name) for name in changed}
    drained = {node: name for name, node in nodes.calls if name in ("drain", "undrain")}
    assert set(drained.values()) <= {"undrain"}, "every node that was drained is undrained"
    gone = {node: name for name, node in nodes.calls if name in ("leave", "join")}
    assert set(gone.values()) <= {"join"}, "every node that has left joins again"
    line = f"\n  rolled back to the last good version: {', '.join(sorted(changed))}"
    assert (line in message) if changed else ("rolled back" not in message)


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


def test_a_node_that_does_not_stay_well_while_it_is_watched_stops_the_rollout() -> None:
    nodes = Nodes(UPGRADE)
    nodes.unhealthy.add("worker-2")
    message = run(nodes)
    assert message.startswith("a-service-1.0.1 was not accepted: worker-2: did not stay as it was configured: ")
    assert_rolled_back(nodes, message)
    assert nodes.called("script") == []


def test_nodes_are_told_how_long_to_wait_for_an_acceptance() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.run())
    assert set(nodes.accept_within) == set(nodes.called("apply"))
    assert set(nodes.accept_within.values()) == {600}


def test_nodes_get_signs_of_life_while_another_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """An earlier deployment's apply may be at work on it for long."""
    given, real = asyncio.Event(), FakeNode.inspect

    async def inspect(self: FakeNode, *request: Any) -> Inspected:
        if self.name == "web-1":
            await given.wait()
        return (await real(self, *request))._replace(rolls_back_within=1)

    async def renew(self: FakeNode) -> None:
        given.set()

    monkeypatch.setattr(FakeNode, "inspect", inspect)
    monkeypatch.setattr(FakeNode, "renew", renew)
    nodes = Nodes(UPGRADE)
    asyncio.run(asyncio.wait_for(nodes.run(), 30))
    assert "web-1" in nodes.called("inspect")


def test_time_passes_while_nodes_are_watched_and_between_batches() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.run())
    assert nodes.clock.slept == [5, 5, 5]


@pytest.mark.parametrize(("seconds", "pauses"), [(1, [1]), (2, [2]), (5, [2, 2, 1])])
def test_nodes_are_looked_at_until_the_end_of_the_time(seconds: int, pauses: list[int]) -> None:
    nodes = Nodes(UPGRADE)
    watched = [FakeNode(nodes, RELEASE.nodes[name].target) for name in ("web-1", "web-2")]
    asyncio.run(watch(RELEASE, watched, seconds, nodes.clock))
    assert nodes.clock.slept == pauses
    assert nodes.called("status") == ["web-1", "web-2"] * (len(pauses) + 1)


def test_a_node_is_drained_before_it_is_touched_and_undrained_when_it_is_healthy() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.run())
    done = {node: [name for name, other in nodes.calls if other == node][3:-1] for node in ("web-1", "web-2", "web-5")}
    assert done == {
        "web-1": ["receive", "drain", "apply", "undrain"],
        "web-2": ["receive", "apply", "join"],
        "web-5": [],
    }


def test_a_batch_is_drained_and_undrained_before_the_next_one_is_rolled_back() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING), {("script", "database-1"): failure("database-1")})
    assert_rolled_back(nodes, run(nodes))
    begin = nodes.calls.index(("script", "database-1"))
    web = [call for call in nodes.calls[begin:] if call[1].startswith("web-") and call[0] not in ("status", "reopen")]
    batches = [web[start : start + 6] for start in range(0, len(web), 6)]
    assert [sorted(names for name, names in batch if name == "drain") for batch in batches] == [
        ["web-5", "web-6"],
        ["web-3", "web-4"],
        ["web-1", "web-2"],
    ]
    assert [[name for name, _ in batch] for batch in batches] == [
        ["drain", "drain", "roll_back", "roll_back", "undrain", "undrain"]
    ] * 3


def test_nodes_leave_before_the_version_is_accepted_the_highest_number_first() -> None:
    nodes = Nodes(UPGRADE, {("open", "web-8"): failure("web-8")})
    asyncio.run(nodes.run(with_leaving(3)))
    assert nodes.called("leave") == ["web-9", "web-7"], "web-8 does not answer"
    assert nodes.calls.index(("script", "database-1")) < nodes.calls.index(("leave", "web-9"))
    assert nodes.calls.index(("leave", "web-7")) < nodes.calls.index(("accept", "web-1"))


def test_nodes_that_have_left_join_again_when_the_version_is_not_accepted() -> None:
    nodes = Nodes(UPGRADE, {("leave", "web-7"): failure("web-7")})
    with pytest.raises(ReleaseFailed, match="web-7: out of luck"):
        asyncio.run(nodes.run(BEFORE))
    assert nodes.called("accept") == []
    assert nodes.called("join") == ["web-2", "web-8", "web-7"]


def test_hooks_that_the_last_good_version_has_not_are_those_of_the_new_one() -> None:
    previous = replace(BEFORE, nodes=RELEASE.nodes, roles={**EARLIER.roles, "web": RolePlan()})
    nodes = Nodes(UPGRADE, {("script", "database-1"): failure("database-1")})
    assert_rolled_back(nodes, run(nodes, previous))
    assert ("drain", "web-1") in nodes.calls[nodes.calls.index(("script", "database-1")) :]


@pytest.mark.parametrize("last", ["apply", "accept"])
def test_a_node_keeps_the_programs_that_a_rollback_runs_on_it(last: str) -> None:
    """When its own apply fails, and when it accepts what another node does not."""
    old = "sha256:" + "1" * 64
    web = ROLES["web"].model_copy(update={"hooks": {"undrain": HookPlan(blob=old, source="undrain")}})
    known = {name: node for name, node in RELEASE.nodes.items() if name != "web-2"}
    previous = replace(EARLIER, roles={**EARLIER.roles, "web": web}, nodes=known, smoke_tests=())
    nodes = Nodes(UPGRADE, {(last, "web-6"): failure("web-6")})
    with pytest.raises(ReleaseFailed):
        asyncio.run(nodes.run(previous))
    assert (nodes.kept["web-6"], nodes.kept["web-2"]) == ({DIGEST, old}, {DIGEST})


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


def test_interruption_while_it_pauses() -> None:
    class Interrupted(SetClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds)
            if seconds == 5:
                nodes.cancellation.request()
                await asyncio.Event().wait()  # for ever

    nodes = Nodes(UPGRADE)
    nodes.clock = Interrupted()
    message = run(nodes, BEFORE)
    assert message.startswith("a-service-1.0.1 was not accepted: the deployment was interrupted")
    assert_rolled_back(nodes, message)
    assert nodes.clock.slept.count(5) == 1
    assert [name for name in nodes.called("apply") if name.startswith("web")] == ["web-2"]


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


@pytest.mark.parametrize("operation", ["reopen", "roll_back"])
def test_a_node_that_cannot_be_rolled_back_does_not_stop_the_others(operation: str) -> None:
    lost = {(operation, "web-3"): failure("web-3"), (operation, "web-1"): mistake}
    nodes = Nodes(UPGRADE, {("script", "database-1"): failure("database-1"), **lost})
    assert run(nodes).splitlines()[1:] == [
        "  rolled back to the last good version: database-1, web-6, worker-1, worker-2",
        "  not rolled back, since no version was accepted on their new machines: web-2",
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


def test_hooks_that_fail_during_the_rollback_stop_nothing_and_are_reported() -> None:
    def fail() -> NoReturn:
        nodes.at |= {("join", "web-8"): failure("web-8"), ("undrain", "web-3"): mistake, ("drain", "web-1"): lost}
        raise SoopError("the end")

    lost = failure("web-1")
    nodes = Nodes(UPGRADE, {("leave", "web-7"): fail})
    message = run(nodes, BEFORE)
    assert_rolled_back(nodes, message)
    assert message.splitlines()[3:] == [
        "  failed during the rollback: web-8: out of luck",
        "  failed during the rollback: web-3: IndexError('a mistake of ours')",
        "  failed during the rollback: web-1: out of luck",
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


def test_a_machine_of_another_service_is_refused() -> None:
    nodes = Nodes(UPGRADE, serves="b-service")
    message = run(nodes)
    assert "database-1: the machine already serves b-service-1.0.0" in message
    assert {operation for operation, _ in nodes.calls} == {"open", "inspect"}


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


def test_a_node_whose_machine_an_earlier_attempt_made_anew_is_named_whether_it_is_reached_again_or_not() -> None:
    stays = "  not rolled back, since no version was accepted on their new machines: web-1"
    serving = dict.fromkeys(RELEASE.nodes, SERVING)
    for state in (NEW, replace(NEW, is_last_good=False)):
        said = run(Nodes({**serving, "web-1": state}, {("apply", "web-2"): failure("web-2")}), EARLIER)
        assert stays in said.splitlines()
    nodes = Nodes({**serving, "web-1": NEW}, {("apply", "database-1"): failure("database-1")})
    assert stays not in run(nodes, EARLIER), "nothing was done on it"
    first = replace(EARLIER, nodes={name: node for name, node in RELEASE.nodes.items() if name != "web-1"})
    nodes = Nodes({**serving, "web-1": NEW}, {("apply", "web-2"): failure("web-2")})
    assert "not rolled back" not in run(nodes, first), "one more node"

"""Two services that are deployed together, on nodes in memory: what fails anywhere is rolled back everywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from soop_components.model.data import MigrationKind
from soop_components.model.names import Reference
from soop_components.model.plan import RolePlan
from soop_components.model.service import RolloutSettings
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.order import NodeState
from soop_components.release.together import roll_out
from soop_components.release.verdict import MustNotChange, ReleaseFailed
from tests.unit.release.example import DONE, DRIFTED, HOOKS, NEW, SERVING, release_of, with_migrations
from tests.unit.release.failing import IN_ROLLBACKS, LOOKS, failure
from tests.unit.release.fake_nodes import Call, Nodes, Silence

ONE_BY_ONE = RolloutSettings(canaries=0, max_in_flight=1)
ACCESS = release_of({"database": 1, "web": 2}, {"database": RolePlan(), "web": RolePlan(rollout=ONE_BY_ONE)})
GATEWAY = replace(
    release_of({"gateway": 2}, {"gateway": RolePlan(rollout=ONE_BY_ONE, hooks=HOOKS)}),
    reference=Reference("b-service", "2.0.1"),
)
EXPAND: tuple[MigrationKind, ...] = ("expand",)
CONTRACT: tuple[MigrationKind, ...] = ("expand", "contract")
UPGRADE: Mapping[str, NodeState] = dict.fromkeys([*ACCESS.nodes, *GATEWAY.nodes], SERVING)


def before(release: ReleaseInputs) -> ReleaseInputs:
    return replace(release, reference=release.reference._replace(version="1.0.0"))


class Both:
    """The nodes of both services; ``calls`` is what was done on any of them."""

    def __init__(self, states: Mapping[str, NodeState] = UPGRADE) -> None:
        self.access = Nodes(states, release=ACCESS)
        self.gateway = Nodes(states, serves="b-service", release=GATEWAY)
        self.gateway.calls = self.calls = self.access.calls
        self.gateway.cancellation = self.access.cancellation
        self.gateway.at = self.access.at
        self.called = self.access.called

    def run(self, *, known: bool = True) -> None:
        """Roll both out; ``known`` says whether their group has accepted something before."""
        services = (self.access, self.gateway)
        rollouts = [nodes.rollout(before(nodes.release) if known else None) for nodes in services]
        asyncio.run(roll_out(rollouts, Silence(), forms_group=not known))


def calls_of_success() -> list[Call]:
    both = Both()
    both.run()
    return both.calls


CALLS = calls_of_success()


def test_a_node_may_roll_itself_back_where_all_schemas_serve_both_versions() -> None:
    both = Both()
    both.run()
    assert set(both.gateway.accept_within.values()) == {600}


def test_both_end_a_stage_before_one_begins_the_next() -> None:
    done = [call for call in CALLS if call[0] not in LOOKS]
    assert done[:5] == [("receive", name) for name in UPGRADE]
    assert done[5:] == [
        *[("apply", "database-1"), ("apply", "web-1"), ("apply", "web-2")],
        *[("drain", "gateway-1"), ("apply", "gateway-1"), ("undrain", "gateway-1")],
        *[("drain", "gateway-2"), ("apply", "gateway-2"), ("undrain", "gateway-2")],
        *[("script", "database-1"), ("script", "gateway-1")],
        *[("accept", name) for name in UPGRADE],
    ]


@pytest.mark.parametrize("call", CALLS, ids="-".join)
def test_failure_at_each_call_takes_all_back_the_last_changed_first(call: Call) -> None:
    both = Both()
    both.access.at[call] = failure(call[1])
    with pytest.raises(ReleaseFailed) as caught:
        both.run()
    message = str(caught.value)
    assert message.startswith(f"a-service-1.0.1 and b-service-2.0.1 were not accepted: {call[1]}: out of luck")
    changed = both.called("apply")
    back = both.called("roll_back")
    assert sorted(back) == sorted(changed)
    serving = [name for name in back if call != ("apply", name)]
    assert serving == [name for name in reversed(changed) if name in serving]
    rolled_back = [*sorted(name for name in changed if "gateway" in name), *sorted(set(changed) & ACCESS.nodes.keys())]
    line = f"\n  rolled back to the last good version: {', '.join(rolled_back)}"
    assert line in message if changed else "rolled back" not in message
    for nodes, release in ((both.access, ACCESS), (both.gateway, GATEWAY)):
        good = before(release).documents
        assert {nodes.last_good[name] for name in back if name in good} == {
            good[name]["plan_digest"] for name in back if name in good
        }


@pytest.mark.parametrize("call", CALLS, ids="-".join)
def test_interruption_at_each_call(call: Call) -> None:
    both = Both()
    both.access.at[call] = both.access.cancellation.request
    if call in [("accept", name) for name in GATEWAY.nodes]:
        both.run()
        assert both.calls == CALLS
        return
    with pytest.raises(ReleaseFailed, match="the deployment was interrupted"):
        both.run()
    assert set(both.called("accept")) <= set(ACCESS.nodes), "the gateway never is"
    assert sorted(both.called("roll_back")) == sorted(both.called("apply"))
    made = [each for each in both.calls if each[0] not in IN_ROLLBACKS]
    assert made == [each for each in CALLS if each[0] not in IN_ROLLBACKS][: len(made)]


def test_a_group_is_formed_of_what_runs_and_of_what_is_new() -> None:
    states = {**dict.fromkeys(ACCESS.nodes, DONE), **dict.fromkeys(GATEWAY.nodes, NEW)}
    both = Both(states)
    both.run(known=False)
    assert both.called("apply") == ["gateway-1", "gateway-2"]
    assert both.called("accept") == list(UPGRADE)


@pytest.mark.parametrize("state", [SERVING, DRIFTED])
def test_a_group_is_not_formed_where_that_would_change_what_runs(state: NodeState) -> None:
    both = Both({**dict.fromkeys(UPGRADE, DONE), "web-2": state})
    with pytest.raises(MustNotChange, match=r"web-2: runs a-service-1\.0\.0, which a new group .* nothing was changed"):
        both.run(known=False)
    assert {name for name, _ in both.calls} == {"open", "inspect"}


def test_none_is_rolled_back_where_one_cannot_be() -> None:
    both = Both()
    release, earlier = (with_migrations(each, *kinds) for each, kinds in ((ACCESS, CONTRACT), (before(ACCESS), EXPAND)))
    both.access.release = release
    both.access.exit_codes[("script --lacks 2", "database-1")] = 1
    both.access.at[("apply", "gateway-2")] = failure("gateway-2")
    rollouts = [both.access.rollout(earlier), both.gateway.rollout(before(GATEWAY))]
    with pytest.raises(ReleaseFailed, match=r"not rolled back: 002_m \(database\) is contract"):
        asyncio.run(roll_out(rollouts, Silence()))
    assert both.called("roll_back") == []
    assert set(both.gateway.accept_within.values()) == {0}, "nor does one roll itself back later"

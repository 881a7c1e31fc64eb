"""Which steps a rollout has, in which order; nothing is carried out."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import pytest

from soop_components.errors import SoopError
from soop_components.model.plan import HttpSmoke, RolePlan, SmokeTestPlan
from soop_components.model.service import RolloutSettings
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.order import batches, nodes_to_roll_back, restart_order, rollback_order, rollout_order
from soop_components.release.steps import (
    AcceptVersion,
    Configure,
    MigrateDown,
    Parallel,
    Pause,
    RestartServices,
    RestoreSnapshot,
    RollBack,
    RunHook,
    RunSmokeTests,
    SendBlobs,
    Step,
    TakeSnapshot,
    Watch,
    WriteHosts,
)
from tests.unit.release.example import DONE, DRIFTED, FIRST, HOOKS, NEW, RELEASE, SERVING, SNAPSHOT, UPGRADE, release_of

EVERYWHERE = tuple(RELEASE.nodes)
CASES = [
    ([], 1, 1, []),
    (["a", "b", "c"], 0, 3, [["a", "b", "c"]]),
    (["a", "b", "c", "d"], 1, 2, [["a"], ["b", "c"], ["d"]]),
    (["a", "b", "c"], 2, 5, [["a"], ["b"], ["c"]]),
    (["a"], 3, 1, [["a"]]),
]


@pytest.mark.parametrize(("names", "canaries", "max_in_flight", "expected"), CASES)
def test_batches(names: list[str], canaries: int, max_in_flight: int, expected: list[list[str]]) -> None:
    assert batches(names, canaries, max_in_flight) == expected


def test_an_upgrade_configures_new_nodes_then_canaries_then_the_rest() -> None:
    batches_of_web = (("web-1",), ("web-3", "web-4"), ("web-6",))
    new = (Configure(("web-2",)), RunHook(("web-2",), "join"))
    serving = [(Pause(5), RunHook(it, "drain"), Configure(it), RunHook(it, "undrain")) for it in batches_of_web]
    web = (*new, *(step for steps in serving for step in steps))
    worker = (Configure(("worker-2",)), Watch(("worker-2",), 1))
    assert rollout_order(RELEASE, UPGRADE, 9, ["web-8", "web-7"]).steps == [
        WriteHosts(EVERYWHERE),
        SendBlobs(("database-1", "web-1", "web-2", "web-3", "web-6", "worker-2")),
        Parallel(((TakeSnapshot(("database-1",), SNAPSHOT), Configure(("database-1",))),)),
        Parallel((web, worker)),
        RunSmokeTests(EVERYWHERE),
        RunHook(("web-8",), "leave"),
        RunHook(("web-7",), "leave"),
        AcceptVersion(EVERYWHERE),
    ]


@pytest.mark.parametrize(("first_wave", "web"), [(12, [6]), (9, [4, 2]), (1, [2, 2, 2])])
def test_new_nodes_are_configured_in_large_batches(first_wave: int, web: list[int]) -> None:
    """As many at once as this computer can, shared by the roles that do not wait, or as nodes that serve."""
    _, group = rollout_order(RELEASE, FIRST, first_wave).change
    assert isinstance(group, Parallel)
    sizes = [[len(step.nodes) for step in lane if isinstance(step, Configure)] for lane in group.lanes]
    assert sizes == [web, [2]]


def test_new_nodes_that_start_one_by_one_join_before_the_next_one_comes_up() -> None:
    settings = RolloutSettings(max_in_flight=2, start="one_by_one")
    release = release_of({"web": 4}, {"web": RolePlan(rollout=settings, hooks=HOOKS)})
    states = {"web-1": NEW, "web-2": NEW, "web-3": SERVING, "web-4": SERVING}
    [group] = rollout_order(release, states, 9).change
    assert group == Parallel(
        (
            (
                *(Configure(("web-1",)), RunHook(("web-1",), "join")),
                *(Configure(("web-2",)), RunHook(("web-2",), "join")),
                *(RunHook(("web-3",), "drain"), Configure(("web-3",)), RunHook(("web-3",), "undrain")),
                *(RunHook(("web-4",), "drain"), Configure(("web-4",)), RunHook(("web-4",), "undrain")),
            ),
        )
    )


def test_nodes_that_are_right_are_only_accepted() -> None:
    order = rollout_order(RELEASE, dict.fromkeys(RELEASE.nodes, DONE), 9).steps
    assert [step for step in order if step not in (Parallel(((),)), Parallel(((), ())))] == [
        WriteHosts(EVERYWHERE),
        RunSmokeTests(EVERYWHERE),
        AcceptVersion(EVERYWHERE),
    ]


def test_batches_are_watched_and_paused_between() -> None:
    settings = RolloutSettings(canaries=1, max_in_flight=2, watch="1m", pause="10s")
    release = release_of({"web": 4}, {"web": RolePlan(rollout=settings)})
    [group] = rollout_order(release, dict.fromkeys(release.nodes, DRIFTED), 9).change
    batches = (("web-1",), ("web-2", "web-3"), ("web-4",))
    steps = [(Pause(10), Configure(names), Watch(names, 60)) for names in batches]
    assert group == Parallel((tuple(step for batch in steps for step in batch)[1:],))


def tried_by(release: ReleaseInputs, *whens: Literal["end", "batch", "canary"]) -> ReleaseInputs:
    """Return a release with a smoke test of all of its web nodes for each moment."""
    http = HttpSmoke(port=80, nodes=tuple(release.nodes_of("web")))
    tests = tuple(SmokeTestPlan(name=when, when=when, http=http) for when in whens)
    return replace(release, smoke_tests=tests)


def test_nodes_are_tried_out_before_others_are_touched() -> None:
    settings = RolloutSettings(canaries=2, max_in_flight=2, watch="1m")
    roles = {"web": RolePlan(rollout=settings), "worker": RolePlan(rollout=settings)}
    release = tried_by(release_of({"web": 5, "worker": 1}, roles), "end", "batch", "canary")
    states = {**dict.fromkeys(release.nodes, DRIFTED), "web-5": NEW}
    order = rollout_order(release, states, 9)
    [group] = order.change
    assert isinstance(group, Parallel)
    one, two, rest, new = ("web-1",), ("web-2",), ("web-3", "web-4"), ("web-5",)
    tried = {it: (Configure(it), RunSmokeTests(it, ("batch",)), Watch(it, 60)) for it in (new, one, rest)}
    canaries = (RunSmokeTests(two, ("batch",)), RunSmokeTests(one + two, ("canary",)), Watch(two, 60))
    assert group.lanes[0] == (*tried[new], *tried[one], Configure(two), *canaries, *tried[rest])
    assert group.lanes[1] == (Configure(("worker-1",)), Watch(("worker-1",), 60))
    assert order.test == [RunSmokeTests(tuple(release.nodes))]


def test_canaries_that_are_all_there_is_are_tried_out() -> None:
    release = tried_by(release_of({"web": 1}, {"web": RolePlan(rollout=RolloutSettings(canaries=3))}), "canary")
    [group] = rollout_order(release, {"web-1": DRIFTED}, 9).change
    assert group == Parallel(((Configure(("web-1",)), RunSmokeTests(("web-1",), ("canary",))),))


def test_the_nodes_of_these_tests_need_every_kind_of_step() -> None:
    states = {
        **UPGRADE,
        "worker-2": replace(SERVING, restore=SNAPSHOT),
        "web-6": replace(SERVING, to_rebuild=True, hands_over=True),
    }
    order = rollout_order(RELEASE, states, 9, ["web-7"]).steps
    lanes = [lane for each in order for lane in (each.lanes if isinstance(each, Parallel) else [(each,)])]
    assert {type(step) for lane in lanes for step in lane} == set(get_args(Step)) - {MigrateDown}  # see test_downgrade


def test_disks_are_kept_and_restored_just_before_their_nodes_are_configured() -> None:
    release = release_of(
        {"web": 3}, {"web": RolePlan(rollout=RolloutSettings(canaries=0, max_in_flight=3), hooks=HOOKS)}
    )
    states = {
        "web-1": replace(SERVING, snapshot="a", restore="c"),
        "web-2": SERVING,
        "web-3": replace(SERVING, snapshot="b", restore="c"),
    }
    [group] = rollout_order(release, states, 9).change
    everywhere = tuple(release.nodes)
    assert group == Parallel(
        (
            (
                RunHook(everywhere, "drain"),
                *(TakeSnapshot(("web-1",), "a"), TakeSnapshot(("web-3",), "b")),
                RestoreSnapshot(("web-1", "web-3"), "c"),
                *(Configure(everywhere), RunHook(everywhere, "undrain")),
            ),
        )
    )


def test_a_rollback_restores_disks_before_their_nodes_are_rolled_back() -> None:
    labels = dict.fromkeys(["web-1", "web-2"], SNAPSHOT)
    assert rollback_order(RELEASE, WEB[:3], ["web-2"], restores=labels) == [
        *(RestoreSnapshot(("web-2",), SNAPSHOT), RollBack(("web-2",)), RunHook(("web-2",), "undrain")),
        RunHook(("web-3", "web-1"), "drain"),
        *(RestoreSnapshot(("web-1",), SNAPSHOT), RollBack(("web-3", "web-1"))),
        RunHook(("web-3", "web-1"), "undrain"),
    ]


def test_roles_that_wait_for_each_other_are_refused() -> None:
    roles = {"web": RolePlan(after=("worker",)), "worker": RolePlan(after=("web",))}
    release = release_of({"web": 1, "worker": 1}, roles)
    with pytest.raises(SoopError, match=r"roles wait for each other: (web after worker after web|worker after web)"):
        rollout_order(release, dict.fromkeys(release.nodes, DONE), 9)


def test_a_role_that_is_not_there_is_not_waited_for() -> None:
    release = release_of({"web": 1}, {"web": RolePlan(after=("worker",))})
    assert rollout_order(release, dict.fromkeys(release.nodes, DONE), 9)


def test_a_restart_passes_over_the_nodes_as_an_upgrade_does() -> None:
    batches = (("web-1",), ("web-3", "web-4"))
    steps = [(Pause(5), RunHook(it, "drain"), RestartServices(it), RunHook(it, "undrain")) for it in batches]
    assert restart_order(RELEASE, {"worker-2", "web-4", "web-3", "web-1"}) == [
        *[step for batch in steps for step in batch][1:],
        RestartServices(("worker-2",)),
        Watch(("worker-2",), 1),
        RunSmokeTests(EVERYWHERE),
    ]


WEB = [f"web-{number}" for number in (1, 2, 3, 4, 5)]
ROLLBACKS: list[tuple[list[str], list[str], list[tuple[str, ...]]]] = [
    ([], [], []),
    (WEB, [], [("web-5", "web-4"), ("web-3", "web-2"), ("web-1",)]),
    (WEB, ["web-4", "web-2"], [("web-2", "web-4"), ("web-5", "web-3"), ("web-1",)]),
    (WEB, WEB, [tuple(WEB)]),
    (["database-1", "web-1", "worker-1", "web-2"], [], [("web-2", "web-1"), ("worker-1",), ("database-1",)]),
    (["database-1", "web-1", "worker-1"], ["database-1", "worker-1"], [("database-1", "worker-1"), ("web-1",)]),
]


@pytest.mark.parametrize(("nodes", "down", "expected"), ROLLBACKS)
def test_a_rollback_begins_with_nodes_that_are_down_then_those_changed_last(
    nodes: list[str], down: list[str], expected: list[tuple[str, ...]]
) -> None:
    steps = rollback_order(RELEASE, nodes, down)
    assert [step for step in steps if isinstance(step, RollBack)] == [RollBack(names) for names in expected]


def test_a_rollback_drains_what_serves_and_undrains_all_and_nodes_that_have_left_join_again_first() -> None:
    assert rollback_order(RELEASE, WEB[:3], ["web-2"], {"web-2", "web-6"}, ["web-8", "web-7"]) == [
        RunHook(("web-8", "web-7"), "join"),
        RunHook(("web-6",), "undrain"),
        RollBack(("web-2",)),
        RunHook(("web-2",), "undrain"),
        RunHook(("web-3", "web-1"), "drain"),
        RollBack(("web-3", "web-1")),
        RunHook(("web-3", "web-1"), "undrain"),
    ]
    assert rollback_order(RELEASE, [], [], {"web-1"}) == [RunHook(("web-1",), "undrain")]


def test_what_an_earlier_attempt_left_is_rolled_back_too() -> None:
    assert nodes_to_roll_back(["web-1", "web-2", "web-4"], UPGRADE) == ["worker-1", "web-1"]
    assert nodes_to_roll_back(["worker-1"], UPGRADE) == ["worker-1"]
    assert nodes_to_roll_back([], FIRST) == []

"""Which steps a rollout has, in which order; nothing is carried out."""

from __future__ import annotations

from typing import get_args

import pytest

from soop_components.errors import SoopError
from soop_components.model.plan import RolePlan
from soop_components.release.order import (
    Accept,
    Configure,
    Parallel,
    RollBack,
    RunSmokeTests,
    SendBlobs,
    Step,
    WriteHosts,
    batches,
    rollback_order,
    rollout_order,
)
from tests.unit.release.fake_nodes import DONE, FIRST, RELEASE, UPGRADE, release_of

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
    web = (
        SendBlobs(("web-2",)),
        Configure(("web-2",)),
        SendBlobs(("web-1",)),
        Configure(("web-1",)),
        SendBlobs(("web-3",)),
        Configure(("web-3", "web-4")),
        SendBlobs(("web-6",)),
        Configure(("web-6",)),
    )
    workers = ("worker-1", "worker-2")
    assert rollout_order(RELEASE, UPGRADE) == [
        WriteHosts(EVERYWHERE),
        Parallel(((SendBlobs(("database-1",)), Configure(("database-1",))),)),
        Parallel((web, (SendBlobs(workers), Configure(workers)))),
        RunSmokeTests(EVERYWHERE),
        Accept(EVERYWHERE),
    ]


def test_a_first_deployment_configures_all_nodes_of_a_role_at_once() -> None:
    _, _, group, *_ = rollout_order(RELEASE, FIRST)
    assert isinstance(group, Parallel)
    assert [len(lane[1].nodes) for lane in group.lanes] == [6, 2]


def test_nodes_that_are_right_are_only_accepted() -> None:
    order = rollout_order(RELEASE, dict.fromkeys(RELEASE.nodes, DONE))
    assert [step for step in order if step not in (Parallel(((),)), Parallel(((), ())))] == [
        WriteHosts(EVERYWHERE),
        RunSmokeTests(EVERYWHERE),
        Accept(EVERYWHERE),
    ]


def test_the_nodes_of_these_tests_need_every_kind_of_step() -> None:
    order = rollout_order(RELEASE, UPGRADE)
    lanes = [lane for each in order for lane in (each.lanes if isinstance(each, Parallel) else [(each,)])]
    assert {type(step) for lane in lanes for step in lane} == set(get_args(Step))


def test_roles_that_wait_for_each_other_are_refused() -> None:
    roles = {"web": RolePlan(after=("worker",)), "worker": RolePlan(after=("web",))}
    release = release_of({"web": 1, "worker": 1}, roles)
    with pytest.raises(SoopError, match=r"roles wait for each other: (web after worker after web|worker after web)"):
        rollout_order(release, dict.fromkeys(release.nodes, DONE))


def test_a_role_that_is_not_there_is_not_waited_for() -> None:
    release = release_of({"web": 1}, {"web": RolePlan(after=("worker",))})
    assert rollout_order(release, dict.fromkeys(release.nodes, DONE))


def test_what_was_configured_is_rolled_back_at_once() -> None:
    assert rollback_order([]) == []
    assert rollback_order(["a", "b"]) == [RollBack(("a", "b"))]

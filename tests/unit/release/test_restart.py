"""A restart on nodes in memory: in the order of a rollout, and stopped by the first failure."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from soop_components.errors import SoopError
from tests.unit.release.example import RELEASE, UPGRADE
from tests.unit.release.fake_nodes import Nodes

WEB = ["web-1", "web-2", "web-3", "web-4", "web-5"]


def fail() -> None:
    raise SoopError("no light")


def stopped(nodes: Nodes) -> str:
    with pytest.raises(SoopError) as error:
        asyncio.run(nodes.restart().run(WEB))
    return error.value.message


def test_batches_are_drained_restarted_and_undrained_and_smoke_tests_come_last() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.restart().run(WEB))
    calls = [call for call in nodes.calls if call[0] != "status"]
    assert calls[:9] == [
        *[(what, "web-1") for what in ("drain", "restart", "undrain")],
        *[(what, name) for what in ("drain", "restart", "undrain") for name in ("web-2", "web-3")],
    ]
    assert calls[-1][0] == "script"
    assert nodes.called("restart") == WEB
    assert nodes.last_good["web-1"] == RELEASE.documents["web-1"]["plan_digest"]
    assert {"apply", "accept", "roll_back", "hosts"}.isdisjoint(name for name, _ in nodes.calls)


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (("restart", "web-2"), ["restarted: web-1, web-3", "restart failed: web-2", "not restarted: web-4, web-5"]),
        (("drain", "web-3"), ["restarted: web-1", "not restarted: web-2, web-3, web-4, web-5"]),
        (("undrain", "web-1"), ["restarted: web-1", "not restarted: web-2, web-3, web-4, web-5"]),
    ],
)
def test_the_first_failure_stops_it_and_undrains_what_is_well(at: tuple[str, str], outcome: list[str]) -> None:
    nodes = Nodes(UPGRADE, {at: fail})
    said = stopped(nodes).splitlines()
    assert said[0].startswith("the restart of a-service-1.0.1 stopped: ")
    assert "no light" in said[0]
    assert said[1 : 1 + len(outcome)] == [f"  {line}" for line in outcome]
    assert set(nodes.called("undrain")) == set(nodes.called("drain"))


def test_a_node_that_is_not_well_afterwards_stays_drained() -> None:
    nodes = Nodes(UPGRADE)

    def fail_and_stay_down() -> None:
        nodes.unhealthy.add("web-1")
        fail()

    nodes.at["restart", "web-1"] = fail_and_stay_down
    assert stopped(nodes).splitlines()[1:] == [
        "  restart failed: web-1",
        "  not restarted: web-2, web-3, web-4, web-5",
        "  still drained: web-1",
    ]
    assert nodes.called("undrain") == []


SPOILS: list[Callable[[Nodes], None]] = [lambda it: it.changed.add("web-3"), lambda it: it.unhealthy.add("web-3")]


@pytest.mark.parametrize("spoil", SPOILS)
def test_nothing_is_restarted_where_a_node_does_not_run_what_was_accepted(spoil: Callable[[Nodes], None]) -> None:
    nodes = Nodes(UPGRADE)
    spoil(nodes)
    assert stopped(nodes) == "web-3: does not run a-service-1.0.1 as it was accepted; nothing was restarted"
    assert {name for name, _ in nodes.calls} == {"status"}


def test_ctrl_c_ends_it_after_the_batch() -> None:
    nodes = Nodes(UPGRADE)
    nodes.at["restart", "web-1"] = nodes.cancellation.request
    assert stopped(nodes).startswith("the restart of a-service-1.0.1 stopped: interrupted")
    assert nodes.called("restart") == ["web-1"]
    assert nodes.called("undrain") == ["web-1"]

"""A rollout looks at a batch for a while before the next one, and pauses."""

from __future__ import annotations

import asyncio

import pytest

from soop_components.release.watching import watch
from tests.clock import SetClock
from tests.unit.release.example import RELEASE, UPGRADE
from tests.unit.release.failing import (
    BEFORE,
    assert_rolled_back,
    run,
)
from tests.unit.release.fake_nodes import FakeNode, Nodes


def test_a_node_that_does_not_stay_well_while_it_is_watched_stops_the_rollout() -> None:
    nodes = Nodes(UPGRADE)
    nodes.unhealthy.add("worker-2")
    message = run(nodes)
    assert message.startswith("a-service-1.0.1 was not accepted: worker-2: did not stay as it was configured: ")
    assert_rolled_back(nodes, message)
    assert nodes.called("script") == []


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

"""The engine is killed at any point: nothing goes on without it but what a node has begun, and the next one goes on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests.scenarios.trouble.beacon import UP, Beacon
from tests.scenarios.workspace import eventually

CREATING = {
    "machines": r"Machine web-1\S* creating",
    "connecting": r"Release \S* creating .*connecting",
}
CHANGING = {
    "health": ("none", "waiting for http"),
    "smoke-http": ("slow-smoke", "smoke tests"),
    "smoke-script": ("slow-smoke", "it can be tried out"),
}


@pytest.fixture
def fresh(beacon: Beacon) -> Iterator[Beacon]:
    """A domain that does not exist yet."""
    made = Beacon(beacon.project, "dev-fresh")
    made.define(1, says="fresh")
    made.project.must("pulumi", "stack", "init", made.domain)
    yield made
    made.project.must("soop", "destroy", "--yes", made.domain)


def kill(beacon: Beacon, pattern: str) -> None:
    """Bring a domain up and kill the engine when it says something; the processes that it had started notice."""
    beacon.begin().until(pattern).kill()
    eventually(beacon.project.is_quiet)


@pytest.mark.parametrize("point", sorted(CREATING))
def test_while_creating(fresh: Beacon, point: str) -> None:
    kill(fresh, CREATING[point])
    output = fresh.project.fails("sh", "-c", f". .soop/env; {shlex.join((*UP, '--stack', fresh.domain))}")
    assert f"{fresh.domain}: a deployment was killed; `soop recover {fresh.domain}` clears what it left" in output
    output = fresh.deploy()
    assert "removed the lock of process" in output
    fresh.is_well("fresh")


@pytest.mark.parametrize("point", sorted(CHANGING))
def test_while_changing(beacon: Beacon, point: str) -> None:
    trouble, moment = CHANGING[point]
    accepted = saved(beacon)
    beacon.hold()
    beacon.define(says=f"changed at {point}", trouble=trouble)
    kill(beacon, moment)
    beacon.go_on()
    assert saved(beacon) == accepted != f"changed at {point}"
    output = beacon.project.must("soop", "recover", beacon.domain)
    assert "removed the lock of process" in output
    assert "nothing to recover" in beacon.project.must("soop", "recover", beacon.domain)
    ended = beacon.up()
    assert ended.exit_code == 0, ended.text
    beacon.is_well(f"changed at {point}")


def saved(beacon: Beacon) -> str:
    """Return what nodes say by the plan that the state has, whatever is pending."""
    (release,) = (each for each in beacon.resources() if each["type"] == "soop:index:Release")
    return str(release["inputs"]["smokeTests"][0]["http"]["json"]["says"])


def test_while_the_state_is_saved(beacon: Beacon) -> None:
    """Whether it was saved or not, all nodes are rolled back to what it says."""
    before = saved(beacon)
    beacon.define(says="accepted")
    kill(beacon, "beacon-service-1.0.0 accepted")
    beacon.project.must("soop", "recover", beacon.domain)
    says = saved(beacon)
    assert says in (before, "accepted")
    beacon.define(says="never accepted", trouble="smoke")
    beacon.fails("the beacon does not shine", "rolled back to the last good version")
    beacon.define(says=says)
    beacon.is_well(says)


def test_nobody_comes_back(beacon: Beacon) -> None:
    """Nodes see that the deployer is at work, also while they are busy; when they see it no more, they roll back."""
    says = saved(beacon)
    beacon.hold()
    beacon.define(says="never accepted", trouble="slow-smoke", accept_within="15s")
    run = beacon.begin().until("it can be tried out")
    begun = "systemctl show --property=ActiveEnterTimestampMonotonic --value soop-unaccepted.timer"
    seen: set[str] = set()
    eventually(lambda: seen.add(beacon.sh(begun)) or len(seen) == 5, 90)  # more than fifteen seconds
    assert [answer["says"] for answer in beacon.says()] == ["never accepted"] * 2
    run.kill()
    eventually(beacon.project.is_quiet)
    beacon.project.must("soop", "recover", beacon.domain)
    for number in (1, 2):
        ended = "test ! -e /var/lib/soop/unaccepted.json && test ! -e /run/soop/apply.json"
        beacon.sh(f"timeout 90 sh -c 'until {ended}; do sleep 0.1; done'", number)
    assert [answer["says"] for answer in beacon.says()] == [says] * 2
    shown = beacon.project.must("soop", "status", "--refresh", beacon.domain)
    assert shown.count("the deployer did not accept beacon-service-1.0.0 in time: no sign of it for 15 s") == 2
    beacon.define(says=says)
    beacon.is_well(says)


def test_while_a_node_goes_on(beacon: Beacon) -> None:
    says = beacon.says()[0]["says"]
    beacon.hold()
    beacon.define(says="given up", trouble="slow-script")
    kill(beacon, "running script prepare")
    beacon.define(says=says)
    run = beacon.begin("soop", "deploy", "--yes", "beacon-service-1.0.0", beacon.domain)
    run.until("waiting for an apply that an earlier deployment began")
    beacon.go_on()
    ended = run.end()
    assert ended.exit_code == 0, ended.text
    beacon.is_well(says)


@pytest.fixture(scope="module")
def lines(domains: tuple[Beacon, Beacon]) -> int:
    """How many lines a creation prints that nobody kills."""
    whole = Beacon(domains[0].project, "dev-whole")
    whole.define(1, says="whole")
    whole.project.must("pulumi", "stack", "init", whole.domain)
    output = whole.begin().end().text
    whole.project.must("soop", "destroy", "--yes", whole.domain)
    return output[: output.index("accepted")].count("\n")


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_anywhere(fresh: Beacon, lines: int, part: int) -> None:
    kill(fresh, rf"(?:.*\n){{{max(lines * part // 20, 1)}}}")
    fresh.deploy()
    fresh.is_well("fresh")

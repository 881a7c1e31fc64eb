"""Ctrl-C: once, the deployment ends in order and says how; twice, it leaves at once and the next one goes on."""

from __future__ import annotations

import pytest

from tests.scenarios.trouble.beacon import ONE, REFERENCE, UP, Beacon
from tests.scenarios.workspace import Outcome, eventually

UPDATE = (*UP, "--stack", ONE)
DEPLOY = ("soop", "deploy", "--yes", REFERENCE, ONE)
CASES = {
    "configuring": (UPDATE, "slow-script", "running script prepare"),
    "testing": (UPDATE, "slow-smoke", "it can be tried out"),
    "testing, under soop deploy": (DEPLOY, "slow-smoke", "it can be tried out"),
}


def assert_clean(ended: Outcome) -> None:
    assert ended.exit_code != 0
    assert "Traceback" not in ended.text, ended.text


@pytest.mark.parametrize("case", sorted(CASES))
def test_once_rolls_the_nodes_back(beacon: Beacon, case: str) -> None:
    command, trouble, moment = CASES[case]
    says = beacon.says()[0]["says"]
    beacon.hold()
    beacon.define(says="never accepted", trouble=trouble)
    run = beacon.begin(*command).until(moment)
    run.interrupt()
    run.until("(?i)cancel|interrupt")
    beacon.go_on()
    ended = run.end()
    assert_clean(ended)
    assert f"{REFERENCE} was not accepted: the deployment was interrupted" in ended.text
    assert f"rolled back to the last good version: {beacon.node}" in ended.text
    beacon.define(says=says)
    beacon.is_well(says)
    assert "pending_operations" not in beacon.state()


def test_once_while_machines_are_made(beacon: Beacon) -> None:
    fresh = Beacon(beacon.project, "dev-fresh")
    fresh.define(1, says="fresh")
    fresh.project.must("pulumi", "stack", "init", fresh.domain)
    run = fresh.begin().until(r"Machine .* creating")
    run.interrupt()
    assert_clean(run.end())
    fresh.deploy()
    fresh.says("fresh")
    fresh.project.must("soop", "destroy", "--yes", fresh.domain)


def test_twice_leaves_at_once(beacon: Beacon) -> None:
    beacon.hold()
    beacon.define(says="half way", trouble="slow-script")
    run = beacon.begin().until("running script prepare")
    run.interrupt()
    run.until("(?i)cancel|interrupt")
    run.interrupt()
    assert_clean(run.end())
    eventually(beacon.project.is_quiet, 60)
    again = beacon.begin().until("waiting for an apply that an earlier deployment began")
    beacon.go_on()
    ended = again.end()
    assert ended.exit_code == 0, ended.text
    beacon.is_well("half way")

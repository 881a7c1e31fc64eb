"""Ctrl-C: once, the deployment ends in order and says how; twice, it leaves at once and the next one goes on."""

from __future__ import annotations

import pytest

from tests.scenarios.trouble.beacon import ONE, REFERENCE, Beacon

POINTS = {"configuring": ("slow-script", "running script prepare"), "testing": ("slow-smoke", "it can be tried out")}


@pytest.mark.parametrize("point", sorted(POINTS))
def test_ctrl_c_once_puts_the_nodes_back(beacon: Beacon, point: str) -> None:
    trouble, moment = POINTS[point]
    says = beacon.says()[0]["says"]
    beacon.define(says="never accepted", trouble=trouble)
    run = beacon.begin().until(moment)
    run.interrupt()
    ended = run.end()
    assert ended.exit_code != 0
    assert f"{REFERENCE} was not accepted: the deployment was interrupted" in ended.text
    assert f"returned to the last good version: {beacon.node}" in ended.text
    assert "Traceback" not in ended.text
    beacon.says(says)
    beacon.define(says=says)
    assert beacon.changes() == {}
    assert "pending_operations" not in beacon.state()


def test_ctrl_c_while_machines_are_made(beacon: Beacon) -> None:
    fresh = Beacon(beacon.project, "dev-fresh")
    fresh.define(1, says="fresh")
    fresh.project.must("pulumi", "stack", "init", fresh.domain)
    run = fresh.begin().until(r"Machine .* creating")
    run.interrupt()
    ended = run.end()
    assert ended.exit_code != 0
    assert "Traceback" not in ended.text
    fresh.deploy()
    fresh.says("fresh")
    fresh.project.must("soop", "destroy", "--yes", fresh.domain)


def test_ctrl_c_twice_leaves_at_once(beacon: Beacon) -> None:
    beacon.define(says="half way", trouble="slow-script")
    run = beacon.begin().until("running script prepare")
    run.interrupt()
    run.until("(?i)cancel|interrupt")
    run.interrupt()
    ended = run.end()
    assert ended.exit_code != 0
    assert "Traceback" not in ended.text
    assert beacon.ssh("cat /run/soop/apply.json")  # it left before the node had finished
    assert not beacon.project.processes()


def test_ctrl_c_under_soop_deploy(beacon: Beacon) -> None:
    says = beacon.says()[0]["says"]
    beacon.define(says="never accepted", trouble="slow-smoke")
    run = beacon.begin("soop", "deploy", "--yes", REFERENCE, ONE).until("it can be tried out")
    run.interrupt()
    ended = run.end()
    assert ended.exit_code != 0
    assert f"{REFERENCE} was not accepted: the deployment was interrupted" in ended.text
    assert "Traceback" not in ended.text
    beacon.says(says)

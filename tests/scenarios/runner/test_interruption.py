"""Killed, cut off, doubled: the next good apply makes up for everything."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.scenarios.ground import Ground
from tests.scenarios.runner.node import RunnerNode
from tests.scenarios.runner.packages import deb, plans
from tests.scenarios.runner.service import BLOB, web

SLOW = {"name": "slow", "content": "#!/bin/sh\ntouch /tmp/slow\nwhile test -e /tmp/hold; do sleep 0.05; done\n"}
HOLD = "touch /tmp/hold; rm -f /tmp/slow"


def beside(node: RunnerNode, request: dict[str, Any], said: list[Any]) -> Thread:
    """Begin an apply that goes on while the test does something else."""
    thread = Thread(target=lambda: said.append(node.call("apply", request)))
    thread.start()
    return thread


@pytest.mark.parametrize("when", ["before_units", "after_units"])
def test_a_killed_apply_is_reported_and_made_up_for(serving: RunnerNode, when: str) -> None:
    node = serving
    wanted = web("2.0.0", scripts=[{**SLOW, "when": when}], files={"/etc/app/env": {"content": "PORT=8080\nNEW=1\n"}})
    node.run(HOLD)
    said: list[Any] = []
    thread = beside(node, node.request(wanted, id="doomed"), said)
    node.wait_for("test -e /tmp/slow")
    assert node.applying() == "doomed"
    node.run("systemctl kill --signal=KILL soop-apply-doomed")
    thread.join()
    assert said[0]["message"] == "the apply was killed before it ended (KILL); the next one carries on from there"
    assert node.applying() == "None"
    assert node.drift()[0] == "access-service-2.0.0 was begun and not finished"
    assert node.run("ls /run/soop | grep -c request") == "0"
    assert node.run("pgrep -f scripts/.*/slow") == "", "what it ran ended with it"
    node.run("rm /tmp/hold")
    node.accept(wanted)
    assert node.is_as_accepted()
    assert "NEW=1" in node.run("tr '\\0' '\\n' < /proc/$(systemctl show -p MainPID --value app)/environ")
    assert node.apply(wanted).changes == []


def test_after_a_killed_apply_the_old_version_can_be_had_too(serving: RunnerNode) -> None:
    node = serving
    node.run(HOLD)
    said: list[Any] = []
    thread = beside(node, node.request(web("2.0.0", scripts=[SLOW]), id="doomed"), said)
    node.wait_for("test -e /tmp/slow")
    node.run("systemctl kill --signal=KILL soop-apply-doomed")
    thread.join()
    assert node.roll_back().succeeded
    assert node.is_as_accepted()


def test_a_lost_connection_neither_ends_nor_doubles_an_apply(serving: RunnerNode) -> None:
    node = serving
    node.run(HOLD)
    wanted = web("2.0.0", scripts=[SLOW])
    request = node.request(wanted, id="alone")
    node.begin("apply", request)
    node.wait_for("test -e /tmp/slow")
    refused = node.apply(web("3.0.0"), id="other")
    assert (refused["step"], refused["message"]) == ("lock", "another apply (alone) is running on this node")
    said: list[Any] = []
    thread = beside(node, request, said)
    node.run("sleep 0.5; rm /tmp/hold")
    followed = node.call("follow", {"id": "alone"})
    thread.join()
    assert followed["event"] == "result"
    assert "running script slow (web)" in followed.progress
    assert said[0].event == followed.event, "asking for the same apply joins it"
    assert node.call("follow", {"id": "alone"}).event == followed.event, "its outcome is known afterwards"
    assert node.run("cat /etc/app/text") == "version 2.0.0"


def test_a_machine_that_ends_in_the_middle(serving: RunnerNode, runner_ground: Ground) -> None:
    node = serving
    node.run(HOLD)
    wanted = web("2.0.0", scripts=[SLOW])
    node.begin("apply", node.request(wanted, id="doomed"))
    node.wait_for("test -e /tmp/slow")
    runner_ground.crash(node.facts)
    node.start_again()
    assert "knows of no apply doomed" in node.call("follow", {"id": "doomed"})["message"]
    assert node.drift()[0] == "access-service-2.0.0 was begun and not finished"
    node.accept(wanted)
    assert node.is_as_accepted()


@pytest.mark.parametrize("how", ["unit", "machine"])
def test_dpkg_killed_in_the_middle(node: RunnerNode, runner_ground: Ground, tmp_path: Path, how: str) -> None:
    wait = "#!/bin/sh\ntouch /tmp/slow\nwhile test -e /tmp/hold; do sleep 0.05; done\n"
    first = deb(tmp_path, "first", "1.0")
    slow = deb(tmp_path, "slow", "1.0", scripts={"postinst": wait}, Depends="first")
    last = deb(tmp_path, "last", "1.0", Depends="slow")
    node.send(BLOB, first.content, slow.content, last.content)
    node.run(HOLD)
    wanted = web(packages=plans(first, slow, last))
    node.begin("apply", node.request(wanted, id="doomed"))
    node.wait_for("test -e /tmp/slow")
    if how == "unit":
        node.run("systemctl kill --signal=KILL soop-apply-doomed")
        node.wait_for("! test -e /run/soop/apply.json")
    else:
        runner_ground.crash(node.facts)
        node.start_again()
    assert "package slow: half installed" in node.drift()
    node.run("rm -f /tmp/hold")
    said = node.accept(wanted)
    assert "finishing packages that were left half installed" in said.progress
    assert node.is_as_accepted()
    assert node.run("dpkg --audit; ls /run/soop/asked-of-units /var/lib/soop/before-systemctl 2>/dev/null") == ""
    again = {change for change in said.changes if "package" in change}
    after_power_failure = {"install package first", "install package last", "install package slow"}
    assert again == (after_power_failure if how == "machine" else set())


def test_what_a_runner_says_is_json_throughout(serving: RunnerNode) -> None:
    text = serving.run("cat /run/soop/events-*.jsonl")
    assert {json.loads(line)["event"] for line in text.splitlines()} == {"progress", "result"}

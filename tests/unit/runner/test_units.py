from __future__ import annotations

import os
from typing import Any

import pytest

from soop_components.runner.units import covers
from tests.unit.runner.node import Node, document, file

PROGRAM = "[Service]\nExecStart=/bin/true\n"


def app(
    unit: dict[str, Any] | None = None, files: dict[str, Any] | None = None, version: str = "3.2.3"
) -> dict[str, Any]:
    units = {"app.service": {"content": PROGRAM, **(unit or {})}}
    return document(version, web={"units": units, "files": files or {}})


@pytest.fixture
def running(node: Node) -> Node:
    node.accept(
        app({"restart_on": ["/opt/app"], "reload_on": ["/etc/app"]}, {"/opt/app/x": file("1"), "/etc/app/y": file("1")})
    )
    return node


def test_a_unit_of_ours_is_written_enabled_and_started(node: Node) -> None:
    event = node.accept(app())
    assert node.text("/etc/systemd/system/app.service") == PROGRAM
    assert node.systemd.told == ["daemon-reload", "enable app.service", "start app.service"]
    assert event["changes"][-2:] == ["enable unit app.service", "start unit app.service"]


def test_systemd_is_not_called_when_nothing_changed(running: Node) -> None:
    node = running
    wanted = node.host.load("running.json") or {}
    assert node.apply(wanted)["changes"] == []
    assert node.systemd.told == []


@pytest.mark.parametrize(
    ("unit", "files", "told"),
    [
        ({}, {"/opt/app/x": "2", "/etc/app/y": "1"}, ["restart app.service"]),
        ({}, {"/opt/app/x": "1", "/etc/app/y": "2"}, ["reload app.service"]),
        ({}, {"/opt/app/x": "2", "/etc/app/y": "2"}, ["restart app.service"]),
        ({}, {"/opt/app/x": "1", "/opt/app/new": "1", "/etc/app/y": "1"}, ["restart app.service"]),
        ({}, {"/etc/app/y": "1"}, ["restart app.service"]),
        ({}, {"/opt/app/x": "1", "/opt/application": "1", "/etc/app/y": "1"}, []),
        (
            {"content": PROGRAM + "User=app\n"},
            {"/opt/app/x": "1", "/etc/app/y": "1"},
            ["daemon-reload", "restart app.service"],
        ),
        (
            {},
            {"/opt/app/x": "1", "/etc/app/y": "1", "/etc/systemd/system/app.service.d/limits.conf": "1"},
            ["daemon-reload", "restart app.service"],
        ),
        (
            {"state": "stopped", "enabled": False},
            {"/opt/app/x": "1", "/etc/app/y": "1"},
            ["disable app.service", "stop app.service"],
        ),
    ],
)
def test_what_changed_decides_how_systemd_is_called(
    running: Node, unit: dict[str, Any], files: dict[str, str], told: list[str]
) -> None:
    triggers = {"restart_on": ["/opt/app"], "reload_on": ["/etc/app"]}
    event = running.apply(app({**triggers, **unit}, {path: file(text) for path, text in files.items()}, "3.2.4"))
    assert event["event"] == "result", event
    assert running.systemd.told == told


def test_a_unit_changed_by_hand_is_drift_and_is_repaired(running: Node) -> None:
    node = running
    node.systemd.units["app.service"] |= {"ActiveState": "failed", "SubState": "failed", "UnitFileState": "disabled"}
    assert node.drift() == ["unit app.service: not active (failed)", "unit app.service: disabled"]
    node.apply(node.host.load("running.json") or {})
    assert node.systemd.told == ["enable app.service", "reset-failed app.service", "start app.service"]
    assert node.drift() == []


def test_a_file_mended_after_a_change_by_hand_restarts_what_depends_on_it(running: Node) -> None:
    running.path("/opt/app/x").write_text("changed")
    running.apply(running.host.load("running.json") or {})
    assert running.systemd.told == ["restart app.service"]


def test_a_restart_that_an_interrupted_apply_owed_is_made_up_for(running: Node) -> None:
    node = running
    wanted = app({"restart_on": ["/opt/app"]}, {"/opt/app/x": file("2")}, "3.2.4")
    node.systemd.fails["restart app.service"] = "killed"
    host = node.host
    os.unlink(host.kept("accepted.json"))
    assert node.apply(wanted)["event"] == "failure"
    node.systemd.fails.clear()
    assert node.apply(wanted)["event"] == "result"
    assert node.systemd.told == ["restart app.service"]


def test_a_later_component_may_change_what_an_earlier_one_depends_on(node: Node) -> None:
    first = {"units": {"app.service": {"content": PROGRAM, "restart_on": ["/etc/later"]}}}
    node.accept(document(first=first, second={"files": {"/etc/later": file("1")}}))
    node.accept(document("3.2.4", first=first, second={"files": {"/etc/later": file("2")}}))
    assert node.systemd.told == ["restart app.service"]


def test_a_unit_that_cannot_reload_is_restarted(running: Node) -> None:
    running.systemd.units["app.service"]["CanReload"] = "no"
    files = {"/opt/app/x": file("1"), "/etc/app/y": file("2")}
    running.apply(app({"restart_on": ["/opt/app"], "reload_on": ["/etc/app"]}, files, "3.2.4"))
    assert running.systemd.told == ["restart app.service"]


def test_a_unit_that_the_plan_no_longer_has_is_stopped_disabled_and_removed(running: Node) -> None:
    running.apply(document("3.2.4"))
    assert running.systemd.told[:2] == ["stop app.service", "disable app.service"]
    assert not running.path("/etc/systemd/system/app.service").exists()
    assert running.drift() == []


def test_a_failing_unit_shows_its_journal(node: Node) -> None:
    node.systemd.fails["start app.service"] = "Job for app.service failed."
    event = node.apply(app())
    assert (event["step"], event["component"], event["exit_code"]) == ("units", "web", 1)
    assert event["command"] == "systemctl start --no-ask-password -- app.service"
    assert event["stderr_tail"] == "Job for app.service failed.\nwhat the unit said"


def test_a_unit_that_does_not_stay_up_is_a_failure(node: Node) -> None:
    node.systemd.units["app.service"] = {"ActiveState": "active"}
    node.apply(app())
    node.systemd.units["app.service"] = {
        "ActiveState": "activating",
        "SubState": "auto-restart",
        "UnitFileState": "enabled",
    }
    node.systemd.fails["restart app.service"] = ""
    event = node.apply(app())
    assert event["event"] == "failure"


def test_a_oneshot_that_ran_counts_as_started(running: Node) -> None:
    ran = {"ActiveState": "inactive", "Type": "oneshot", "ExecMainStartTimestampMonotonic": "5"}
    running.systemd.units["app.service"] |= ran
    assert running.drift() == []
    running.systemd.units["app.service"]["Result"] = "exit-code"
    assert running.drift() == ["unit app.service: not active (inactive (running))"]


def test_a_package_unit_that_is_not_there_is_named(node: Node) -> None:
    node.systemd.units["nginx.service"] = {"LoadState": "not-found"}
    event = node.apply(document(web={"units": {"nginx.service": {}}}))
    assert event["message"] == "nginx.service: there is no such unit on the node"


def test_covers_means_the_path_or_what_is_below() -> None:
    assert covers(["/etc/nginx/"], ["/etc/nginx/sites/x"])
    assert covers(["/etc/nginx"], ["/etc/nginx"])
    assert not covers(["/etc/nginx"], ["/etc/nginx.conf"])


def test_a_unit_that_was_started_often_just_now_is_started_again(running: Node) -> None:
    running.systemd.refuses.add("app.service")
    running.path("/opt/app/x").write_text("changed")
    assert running.apply(running.host.load("running.json") or {})["event"] == "result"
    assert running.systemd.told == ["restart app.service", "reset-failed app.service", "restart app.service"]

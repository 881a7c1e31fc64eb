"""Units are written, enabled and started, restarted, mended after changes by hand, and removed."""

from __future__ import annotations

import os

import pytest

from tests.unit.runner.app import PROGRAM, app
from tests.unit.runner.node import Node, document, file


def test_a_unit_of_ours_is_written_enabled_and_started(node: Node) -> None:
    event = node.accept(app())
    assert node.text("/etc/systemd/system/app.service") == PROGRAM
    assert node.systemd.commands == ["daemon-reload", "enable app.service", "start app.service"]
    assert event["changes"][-2:] == ["enable unit app.service", "start unit app.service"]


def test_systemd_is_not_called_when_nothing_changed(running: Node) -> None:
    node = running
    wanted = node.host.load("running.json") or {}
    assert node.apply(wanted)["changes"] == []
    assert node.systemd.commands == []


def test_a_restart_is_of_services_that_run_and_leaves_sockets_and_jobs_alone(node: Node) -> None:
    units = {
        "app.socket": {"content": "[Socket]\nListenStream=8080\n"},
        "app.service": {"content": PROGRAM},
        "job.service": {"content": PROGRAM},
        "by-hand.service": {"content": PROGRAM, "state": "unmanaged"},
    }
    node.systemd.units["job.service"] = {"Type": "oneshot", "ExecMainStartTimestampMonotonic": "1"}
    files = {"/etc/app": file("@@soop-secret:password@@")}
    node.accept(document("3.2.3", web={"units": units, "files": files}), secrets={"password": "s3cret"})
    node.path("/etc/app").write_text("changed by hand")
    event = node.restart({"password": "s3cret"})
    assert event["changes"] == ["write file /etc/app", "restart unit app.service"]
    assert node.systemd.commands == ["restart app.service"]
    assert node.status().accepted
    assert node.drift() == []


def test_a_restart_that_fails_says_what_the_service_said(running: Node) -> None:
    running.systemd.fails["restart app.service"] = "no"
    event = running.restart()
    assert (event["event"], event["message"]) == ("failure", "app.service: restart failed")
    assert "what the unit said" in event["stderr_tail"]


def test_only_what_was_accepted_is_restarted(node: Node) -> None:
    node.accept(app())
    node.apply(app(version="3.2.4"))
    assert node.restart()["message"].startswith("the node does not run the version that was accepted")
    assert node.systemd.commands == []


def test_a_socket_that_comes_to_a_running_service_takes_it_along(node: Node) -> None:
    node.accept(app())
    socket = {"content": "[Socket]\nListenStream=8080\n"}
    units = {"app.socket": socket, "app.service": {"content": PROGRAM + "Requires=app.socket\n"}}
    node.accept(document("3.2.4", web={"units": units}))
    assert "restart app.socket" in node.systemd.commands
    assert "start app.socket" not in node.systemd.commands


def test_a_unit_changed_by_hand_is_drift_and_is_repaired(running: Node) -> None:
    node = running
    node.systemd.units["app.service"] |= {"ActiveState": "failed", "SubState": "failed", "UnitFileState": "disabled"}
    assert node.drift() == ["unit app.service: not active (failed)", "unit app.service: disabled"]
    node.apply(node.host.load("running.json") or {})
    assert node.systemd.commands == ["enable app.service", "reset-failed app.service", "start app.service"]
    assert node.drift() == []


def test_a_restart_that_an_interrupted_apply_owed_is_made_up_for(running: Node) -> None:
    node = running
    wanted = app({"restart_on": ["/opt/app"]}, {"/opt/app/x": file("2")}, "3.2.4")
    node.systemd.fails["restart app.service"] = "killed"
    host = node.host
    os.unlink(host.kept("accepted.json"))
    assert node.apply(wanted)["event"] == "failure"
    node.systemd.fails.clear()
    assert node.apply(wanted)["event"] == "result"
    assert node.systemd.commands == ["restart app.service"]


def test_a_unit_that_cannot_reload_is_restarted(running: Node) -> None:
    running.systemd.units["app.service"]["CanReload"] = "no"
    files = {"/opt/app/x": file("1"), "/etc/app/y": file("2")}
    running.apply(app({"restart_on": ["/opt/app"], "reload_on": ["/etc/app"]}, files, "3.2.4"))
    assert running.systemd.commands == ["restart app.service"]


def test_a_unit_that_the_plan_no_longer_has_is_stopped_disabled_and_removed(running: Node) -> None:
    running.apply(document("3.2.4"))
    assert running.systemd.commands[:2] == ["stop app.service", "disable app.service"]
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


def test_a_unit_that_was_started_often_just_now_is_started_again(running: Node) -> None:
    running.systemd.refuses.add("app.service")
    running.path("/opt/app/x").write_text("changed")
    assert running.apply(running.host.load("running.json") or {})["event"] == "result"
    assert running.systemd.commands == ["restart app.service", "reset-failed app.service", "restart app.service"]


@pytest.mark.parametrize("active", ["active", "activating", "inactive"])
def test_an_unmanaged_unit_is_left_alone(node: Node, active: str) -> None:
    node.systemd.units["app.service"] = {"ActiveState": active, "UnitFileState": "static"}
    node.accept(app({"state": "unmanaged"}))
    node.accept(app({"state": "unmanaged", "content": PROGRAM + "User=app\n"}, version="2.0.0"))
    assert node.systemd.commands == ["daemon-reload"]
    assert node.drift() == []
    node.accept(document("3.0.0"))
    assert not [each for each in node.systemd.commands if each.startswith("stop")]


def test_a_job_that_nothing_refers_to_is_run_once_per_change(node: Node) -> None:
    """systemd forgets it as soon as it has ended."""
    node.systemd.units["app.service"] = {"Type": "oneshot", "UnitFileState": "static"}
    node.accept(app())
    assert node.systemd.commands == ["daemon-reload", "start app.service"]
    assert node.drift() == []
    node.accept(app(version="2.0.0"))
    assert node.systemd.commands == []
    node.accept(app({"content": PROGRAM + "User=app\n"}, version="3.0.0"))
    assert node.systemd.commands == ["daemon-reload", "restart app.service"]
    node.systemd.units["app.service"] |= {"ActiveState": "failed", "Result": "exit-code"}
    assert node.drift() == ["unit app.service: not active (failed (dead))"]


def test_a_job_of_a_package_is_run_when_the_plan_begins_to_have_it(node: Node) -> None:
    node.systemd.units["job.service"] = {"Type": "oneshot", "UnitFileState": "static"}
    wanted = document(web={"units": {"job.service": {}}})
    node.apply(wanted)
    assert node.systemd.commands == ["start job.service"]

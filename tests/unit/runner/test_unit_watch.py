"""Whether units that were started stay up."""

from __future__ import annotations

import time

import pytest

from soop_components.runner import health, processes, unit_watch, waiting
from tests.unit.runner.app import PROGRAM, app
from tests.unit.runner.node import Node, document, file

STARTING = {"ActiveState": "activating", "SubState": "start"}


def test_a_unit_that_is_still_starting_is_waited_for(running: Node) -> None:
    running.systemd.units["app.service"] |= STARTING
    running.apply(running.host.load("running.json") or {})
    assert running.systemd.commands == ["start app.service"], "which waits for the end of the start that goes on"
    running.systemd.units["app.service"] |= STARTING
    running.apply(app({"content": PROGRAM + "User=app\n"}, version="2.0.0"))
    assert running.systemd.commands[-1] == "restart app.service", "it starts with what was changed"


def looping(node: Node, restarts: int, **more: str) -> None:
    """Let systemd have started the unit again so often."""
    began = str(int(time.monotonic() * 1e6))
    counted = {"NRestarts": str(restarts), "ExecMainStartTimestampMonotonic": began, "Restart": "always", **more}
    node.systemd.units["app.service"] |= counted


def test_a_unit_that_ends_again_and_again_is_drift_and_is_started_anew(running: Node) -> None:
    looping(running, 2)
    assert running.drift() == []
    looping(running, 3)
    assert running.drift() == [
        "unit app.service: ended and was started again 3 times, the last time in the last ten minutes"
    ]
    running.systemd.on_restart = lambda: looping(running, 0)
    running.apply(running.host.load("running.json") or {})
    assert running.systemd.commands == ["restart app.service"]
    assert running.drift() == []
    looping(running, 50, ExecMainStartTimestampMonotonic=str(int((time.monotonic() - 601) * 1e6)))
    assert running.drift() == [], "it has stopped doing so"


def test_a_unit_that_ends_again_and_again_after_a_start_is_refused(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_watch, "_WATCH", 5.0)
    node.systemd.units["app.service"] = {}
    left = [3, 2, 1, 0]
    monkeypatch.setattr(waiting, "sleep", lambda _: looping(node, 3 - left.pop()))
    looping(node, 0)
    event = node.apply(app())
    assert event["message"] == "app.service: ended and was started again 3 times, expected it to stay up"


@pytest.mark.parametrize(("sub", "refused"), [("running", True), ("exited", False)])
def test_a_unit_without_a_check_stays_up_for_a_while(
    node: Node, monkeypatch: pytest.MonkeyPatch, sub: str, refused: bool
) -> None:
    """Nobody starts it again; what has done its work and counts as active is up."""
    monkeypatch.setattr(unit_watch, "_WATCH", 5.0)
    gone = {"ActiveState": "inactive", "SubState": "dead"}
    monkeypatch.setattr(waiting, "sleep", lambda _: looping(node, 0, Restart="no", **gone))
    monkeypatch.setattr(node.systemd, "on_start", lambda: looping(node, 0, Restart="no", SubState=sub))
    event = node.apply(app())
    assert event.get("message") == ("app.service: inactive (dead), expected it to stay up" if refused else None)


def test_one_crash_at_the_start_is_none_of_our_business(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit_watch, "_WATCH", 5.0)
    node.systemd.units["app.service"] = {}
    looping(node, 1)
    old = str(int((time.monotonic() - 6) * 1e6))
    monkeypatch.setattr(waiting, "sleep", lambda _: looping(node, 1, ExecMainStartTimestampMonotonic=old))
    assert node.apply(app())["event"] == "result"


def test_only_restarts_since_a_reload_count(running: Node) -> None:
    looping(running, 50, ExecMainStartTimestampMonotonic="1")
    files = {"/opt/app/x": file("1"), "/etc/app/y": file("2")}
    event = running.apply(app({"restart_on": ["/opt/app"], "reload_on": ["/etc/app"]}, files, "3.2.4"))
    assert (event["event"], running.systemd.commands) == ("result", ["reload app.service"])


def test_what_systemd_counted_before_a_restart_does_not_count(running: Node) -> None:
    """It counts on when a unit is restarted while it waits to be started again, unless that is reset."""
    looping(running, 7, ActiveState="activating", SubState="auto-restart")
    running.systemd.on_restart = lambda: looping(running, 0)
    assert running.apply(running.host.load("running.json") or {})["event"] == "result"
    assert running.systemd.commands == ["reset-failed app.service", "restart app.service"]


def test_a_program_that_has_answered_since_its_start_may_be_woken(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """One whose check is a command has answered nobody, and after a reload the processes of before it may have.

    Which of two services of a component has answered is not known; a socket answers nobody.
    """
    units = {"web": ["web.socket", "web.service"], "job": ["job.service"], "two": ["app.service", "proxy.service"]}
    services = [name for names in units.values() for name in names if name.endswith(".service")]
    groups = {name: f"/{name.removesuffix('.service')}" for name in services}
    node.systemd.units |= {name: {"ControlGroup": group} for name, group in groups.items()}
    asked: list[tuple[set[str], set[str]]] = []
    monkeypatch.setattr(health, "ask", lambda *_: None)
    monkeypatch.setattr(
        processes, "wait_until_quiet", lambda groups, _, answering: asked.append((set(groups), set(answering)))
    )

    def applied(version: str) -> None:
        checks = {
            "web": {"http_health": {"path": "/", "port": 80}},
            "job": {"command_health": {"command": ["/bin/sh"]}},
            "two": {"http_health": {"path": "/", "port": 81}},
        }
        files = {f"/etc/{name}": file(version) for name in checks}
        reload = {"reload_on": list(files)}
        parts = {name: {"units": dict.fromkeys(units[name], reload), **check} for name, check in checks.items()}
        assert node.apply(document(version, a={"files": files}, **parts))["event"] == "result"

    applied("1.0.0")
    applied("2.0.0")
    assert asked == [(set(groups.values()), {"/web"}), (set(groups.values()), set())]

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from soop_components.cli.status import as_json, notes, rows
from soop_components.cli.terminal import table
from soop_components.engine import DeployedNode, Lock, Release, Run, StackState
from soop_components.engine.domains import DomainStatus
from soop_components.transport.ssh import Target

FAILED = Run("update", False, datetime(2026, 11, 24, 10, 31, tzinfo=UTC))


@pytest.fixture(autouse=True)
def universal_time(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def node(name: str, healthy: bool | None = True, drift: tuple[str, ...] = (), note: str = "") -> DeployedNode:
    full = f"{name}.access-service.dev-a"
    return DeployedNode(full, name.split("-")[0], Target(full, "10.1.0.2", "key"), "3.2.3", healthy, drift, note)


def release(*nodes: DeployedNode, version: str | None = "3.2.3") -> Release:
    digest, since = ("sha256:0123456789abcdef", "2026-11-24T03:59:48+00:00") if version else (None, None)
    return Release("access-service", version, digest, since, {}, nodes)


def deployed(*releases: Release, **more: object) -> DomainStatus:
    return DomainStatus("dev-a", StackState(releases, resources=9), **more)


def test_a_row_per_node() -> None:
    drift = ("file /etc/x: content changed", "unit y: not active")
    found = deployed(release(node("database-1"), node("web-1", False), node("web-2", False, drift)))
    assert table(list(rows(found))).splitlines() == [
        "dev-a  access-service  3.2.3  0123456789ab  2026-11-24 03:59  database-1  10.1.0.2  healthy",
        "                                                              web-1       10.1.0.2  not healthy",
        "                                                              web-2       10.1.0.2  "
        "file /etc/x: content changed (and 1 more)",
    ]


def test_what_a_node_said_in_several_lines_takes_one() -> None:
    found = deployed(release(node("web-1", False, ("web-1: the runner ended (exit code 1)\n  | Killed",))))
    assert table(list(rows(found))).endswith("web-1: the runner ended (exit code 1)")


def test_nothing_deployed() -> None:
    assert [row[-1] for row in rows(DomainStatus("dev-a"))] == ["not deployed"]
    assert [row[-1] for row in rows(DomainStatus("dev-a", StackState()))] == ["not deployed"]
    assert [row[-1] for row in rows(deployed())] == ["nothing deployed"]


def test_a_failed_update_says_what_still_runs() -> None:
    assert list(notes(deployed(release(node("web-1")), last_run=FAILED))) == [
        "the last update failed 2026-11-24 10:31: access-service-3.2.3 is still accepted"
    ]
    two = deployed(release(node("web-1")), release(node("web-1")), last_run=FAILED)
    assert "access-service-3.2.3, access-service-3.2.3 are still accepted" in "".join(notes(two))
    nothing = deployed(release(node("web-1", None), version=None), last_run=FAILED)
    assert list(notes(nothing)) == ["the last update failed 2026-11-24 10:31: nothing was accepted yet"]
    assert [row[2] for row in rows(nothing)] == ["none"]
    assert [row[-1] for row in rows(nothing)] == ["nothing accepted yet"]


def test_what_a_node_did_by_itself() -> None:
    found = deployed(release(node("web-1"), node("web-2", note="rolled back by itself")))
    assert list(notes(found)) == ["web-2.access-service.dev-a: rolled back by itself"]


def test_what_a_killed_deployment_left() -> None:
    dead = Lock(pid=1, username="root", hostname="elsewhere", timestamp=datetime(2026, 1, 1, tzinfo=UTC))
    assert "is being changed by process 1 of root on elsewhere" in "".join(notes(deployed(locks=(dead,))))
    pending = DomainStatus("dev-a", StackState(pending_creates=("web-1",), resources=2))
    assert "`soop recover dev-a` clears" in "".join(notes(pending))


def test_json_says_the_same() -> None:
    found = as_json(deployed(release(node("web-1")), last_run=FAILED))
    assert found["services"]["access-service"]["nodes"]["web-1.access-service.dev-a"]["healthy"] is True
    assert found["last_run"] == {"kind": "update", "succeeded": False, "ended": "2026-11-24T10:31:00+00:00"}
    assert as_json(DomainStatus("dev-b"))["deployed"] is False

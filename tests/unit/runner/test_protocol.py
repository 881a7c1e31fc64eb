"""Messages travel whole, and what is no message is refused without saying what was in it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from soop_components.runner.protocol import (
    PROTOCOL,
    Accept,
    Applied,
    Apply,
    Done,
    Failed,
    Follow,
    Hosts,
    Inspect,
    Inspected,
    Logged,
    Logs,
    NodeStatus,
    Ping,
    Progress,
    Receive,
    Request,
    Restart,
    Rollback,
    Script,
    ScriptEnded,
    Status,
    UnknownVerb,
)
from soop_components.runner.typed_json import Malformed
from soop_components.runner.vocabulary import Change, Drift, HealthProblem, Version
from soop_components.runner.wire import REQUESTS, event, read_event, read_request, request_line, verb_of

SENT: list[Request] = [
    Status(),
    Inspect({"plan": {"a": [1, None]}}, {"password": "s3cret"}, ("sha256:1",), "sha256:3"),
    Receive(),
    Apply({"plan": {}}, {"password": "new"}, {"password": "old"}, {"web-1": "::1"}, "id", "sha256:3", ("sha256:2",)),
    Rollback({}, {}, "id", "sha256:3"),
    Restart({}, {}, "id", "sha256:3"),
    Follow("id"),
    Accept("sha256:1", ("sha256:2",), "sha256:3"),
    Hosts({"web-1": "192.0.2.1"}),
    Script("sha256:1", "smoke.py", {"WHO": "me"}, 10),
    Script("sha256:1", "leave.py", {}, 10, ("--all",), "app", True),
    Logs({"password": "s3cret"}),
    Ping(),
]
VERSION = Version("access-service", "3.2.3", "sha256:1", "sha256:2")
SAID: list[Any] = [
    Progress("installing"),
    NodeStatus(VERSION, True, (Drift("unit", "app.service", "not active"),), (HealthProblem("web", "GET /", "404"),)),
    NodeStatus(None, False, (), ()),
    Logged("the end\n"),
    Inspected(("sha256:1",), (Change("file", "/etc/x", "write"),), VERSION, None, "id"),
    Applied(()),
    ScriptEnded(3, "out", "err"),
    Done(),
    Failed("units", "no", "web", "systemctl", 1, "tail", False, Failed("files", "no room")),
    UnknownVerb("dance", 2),
]


@pytest.mark.parametrize("request_", SENT, ids=verb_of)
def test_a_request_arrives_as_it_was_sent(request_: Request) -> None:
    assert read_request(request_line(request_)) == request_


def test_every_verb_is_tried() -> None:
    assert {type(request) for request in SENT} == set(REQUESTS.values())


@pytest.mark.parametrize("said", SAID, ids=repr)
def test_an_event_arrives_as_it_was_said(said: Any) -> None:
    line = json.dumps(event(said))
    got = read_event(line, type(said))
    assert (type(got), got) == (type(said), said)


@pytest.mark.parametrize(
    "line", [b'{"verb": "dance", "protocol": 1}', b'{"verb": "ping", "protocol": 9}', b'{"verb": "ping"}']
)
def test_another_verb_or_protocol_is_answered_with_what_is_known(line: bytes) -> None:
    assert read_request(line) == UnknownVerb(json.loads(line)["verb"], PROTOCOL)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "apply.id: missing"),
        ({"id": 1}, "apply.id: expected text, not int"),
        ({"id": "a", "hosts": {"web-1": None}}, "apply.hosts.web-1: expected text, not NoneType"),
        ({"id": "a", "secrets": ["s3cret"]}, "apply.secrets: expected an object, not list"),
        ({"id": "a", "force": True}, "apply: unknown field 'force'"),
    ],
)
def test_a_field_of_another_type_is_named_and_not_shown(fields: dict[str, Any], wrong: str) -> None:
    given = {"document": {}, "secrets": {}, "previous_secrets": {}, "hosts": {}, **fields}
    with pytest.raises(Malformed) as raised:
        read_request(json.dumps({"protocol": PROTOCOL, "verb": "apply", **given}).encode())
    assert str(raised.value) == wrong


@pytest.mark.parametrize("line", ["", "Warning: not JSON", "[]", "1", '{"message": "no event"}'])
def test_what_else_a_node_prints_is_no_event(line: str) -> None:
    assert read_event(line, Done) is None


def test_healthy_means_that_something_runs_and_units_and_checks_are_well() -> None:
    well = NodeStatus(VERSION, True, (Drift("file", "/etc/x", "missing"),), ())
    assert well.healthy
    assert not well._replace(running=None).healthy
    assert not well._replace(drift=(Drift("unit", "app.service", "disabled"),)).healthy
    assert not well._replace(health=(HealthProblem("web", "GET /", "404"),)).healthy

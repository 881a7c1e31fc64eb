"""What a smoke test makes of an answer."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import Any, NoReturn

import pytest

from soop_components.errors import SoopError
from soop_components.model.plan import HttpSmoke, ScriptSmoke, SmokeTestPlan
from soop_components.release.http_check import Answer, ask, judge
from soop_components.release.smoke_tests import SmokeTestFailed, SmokeTests
from soop_components.transport.ssh import Target
from tests.unit.release.example import DIGEST, FIRST, RELEASE
from tests.unit.release.fake_nodes import FakeNode, Nodes

CASES: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({}, 200, "fine", None),
    ({}, 503, "no database", "expected status 200, got 503: no database"),
    ({"status": 404}, 404, "", None),
    ({"contains": "hello"}, 200, "goodbye", "expected a body with 'hello', got: goodbye"),
    ({"json": {"version": "3.2.3"}}, 200, '{"version": "3.2.3", "node": "web-1"}', None),
    (
        {"json": {"version": "3.2.4"}},
        200,
        '{"version": "3.2.3"}',
        'expected version to be "3.2.4", got "3.2.3"',
    ),
    ({"json": {"db": {"up": True}}}, 200, '{"db": {"up": false}}', "expected db.up to be true, got false"),
    ({"json": {"a": 1}}, 200, "{}", "expected a to be 1, got no such key"),
    ({"json": {"a": 1}}, 200, "<html>", "expected JSON, got: <html>"),
    ({}, 500, "<html><style>p {}</style><h1>No &lt;database&gt;</h1>", "expected status 200, got 500: No <database>"),
]


@pytest.mark.parametrize(("expect", "status", "body", "wrong"), CASES)
def test_judge(expect: dict[str, Any], status: int, body: str, wrong: str | None) -> None:
    request = HttpSmoke.model_validate({"port": 80, "nodes": ["web-1"], **expect})
    assert judge(request, Answer(status, {}, body)) == wrong


def failed(nodes: Nodes) -> str:
    """Return what is said when web-2 does not answer."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    test = SmokeTestPlan(name="answers", timeout=1, http=HttpSmoke(port=port, nodes=("web-2",)))
    place = replace(RELEASE.nodes["web-2"], target=Target("web-2", "127.0.0.1", "key"))
    release = replace(RELEASE, smoke_tests=(test,), nodes={**RELEASE.nodes, "web-2": place})
    fakes = {name: FakeNode(nodes, node.target) for name, node in release.nodes.items()}
    with pytest.raises(SmokeTestFailed) as caught:
        asyncio.run(SmokeTests(release, fakes, nodes.cancellation).run(release.nodes))
    assert nodes.called("logs") == ["web-2"]
    return str(caught.value).replace(str(port), "PORT")


def test_a_node_that_does_not_answer_shows_the_end_of_its_logs() -> None:
    assert failed(Nodes(FIRST)).splitlines() == [
        "smoke test 'answers': GET http://web-2:PORT/: "
        "expected status 200, got no answer ([Errno 111] Connection refused)",
        "  | began",
        "  | no database",
    ]


def test_a_script_that_fails_shows_the_end_of_its_nodes_logs() -> None:
    nodes = Nodes(FIRST)
    fakes = {name: FakeNode(nodes, node.target) for name, node in RELEASE.nodes.items()}
    (test,) = RELEASE.smoke_tests
    assert test.script is not None
    nodes.exit_codes["script", test.script.nodes[0]] = 1
    with pytest.raises(SmokeTestFailed) as caught:
        asyncio.run(SmokeTests(RELEASE, fakes, nodes.cancellation).run(RELEASE.nodes))
    first = f"smoke test 'try' on {test.script.nodes[0]}: smoke/try ended with 1, expected 0"
    assert str(caught.value).splitlines() == [first, "  | began", "  | no database"]


@pytest.mark.parametrize(
    ("one", "among", "tried"),
    [
        (False, RELEASE.nodes, ["web-2", "web-3"]),
        (True, RELEASE.nodes, ["web-2"]),
        (True, ["web-3", "web-4"], ["web-3"]),
    ],
)
def test_scripts_run_on_one_node_or_on_every_one_of_those_that_are_to_be_tried(
    one: bool, among: Collection[str], tried: list[str]
) -> None:
    nodes = Nodes(FIRST)
    fakes = {name: FakeNode(nodes, node.target) for name, node in RELEASE.nodes.items()}
    script = ScriptSmoke(nodes=("web-2", "web-3"), blob=DIGEST, source="smoke/try", secrets=("token",))
    tests = (SmokeTestPlan(name="try", one=one, script=script), SmokeTestPlan(name="other", script=script))
    release = replace(RELEASE, smoke_tests=tests, secrets={"token": "s3cret", "password": "x"})
    asyncio.run(SmokeTests(release, fakes, nodes.cancellation).run(among, ["try"]))
    assert nodes.called("script") == tried
    assert nodes.script_secrets == [{"token": "s3cret"}] * len(tried)


def test_logs_that_cannot_be_read_hide_no_failure() -> None:
    def gone() -> NoReturn:
        raise SoopError("web-2: connection lost", "is it there?")

    lines = failed(Nodes(FIRST, {("logs", "web-2"): gone})).splitlines()
    assert lines[0].startswith("smoke test 'answers': GET http://web-2:PORT/: expected status 200")
    assert lines[1:] == ["  | its logs cannot be read: web-2: connection lost"]


@pytest.mark.parametrize(
    ("beginning", "more"),
    [
        (b"", b"HTTP"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"", b"HTTP/1.1 100 Go\r\n\r\n"),
    ],
    ids=["status", "headers", "body", "continue"],
)
def test_an_answer_that_dribbles_has_its_time(beginning: bytes, more: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def dribble() -> None:
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(beginning)
                while True:
                    connection.sendall(more)
                    time.sleep(0.05)

        threading.Thread(target=dribble, daemon=True).start()
        request = HttpSmoke.model_validate({"port": server.getsockname()[1], "nodes": ["web-1"]})
        wrong = ask(request, "web-1", "127.0.0.1", request.port, timeout=0.4)  # without a deadline it would not return
    assert wrong is not None
    assert wrong.startswith("expected status 200, got no answer (")


def test_an_answer_is_shown_within_reason() -> None:
    request = HttpSmoke.model_validate({"port": 80, "nodes": ["web-1"], "json": {"a": 1}})
    assert judge(request, Answer(200, {}, "[" * 10**5)) == f"expected JSON, got: {'[' * 500}…"
    assert len(judge(request, Answer(200, {}, '{"a": "' + "x" * 10**6 + '"}')) or "") < 600

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from soop_components.provider.certificate import certificate
from soop_components.runner import health
from soop_components.runner.health import ask, judge
from soop_components.runner.plan import HttpHealth
from soop_components.runner.vocabulary import HealthProblem
from tests.unit.runner.node import NODE, Node, document

ADDRESS = {NODE["name"]: "127.0.0.1"}


class Server:
    """Answers each connection with the next answer, the last again and again."""

    def __init__(self, *answers: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        self.asked: list[str] = []
        self._answers, self._tls = list(answers), tls
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as connection:
                self.asked.append(connection.recv(4096).decode(errors="replace"))
                connection.sendall(self._answers.pop(0) if len(self._answers) > 1 else self._answers[0])


@pytest.fixture
def serve() -> Iterator[Any]:
    servers: list[Server] = []

    def start(*answers: str, tls: ssl.SSLContext | None = None) -> Server:
        servers.append(Server(*(answer.encode() for answer in answers), tls=tls))
        return servers[-1]

    yield start
    for server in servers:
        server.socket.shutdown(socket.SHUT_RDWR)
        server.socket.close()
        server.thread.join()


def answer(status: str, body: str = "") -> str:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer("200 OK"), None),
        (answer("302 Found"), None),
        (answer("404 Not Found", "no such page"), "status 404: no such page"),
        (answer("503 Service Unavailable"), "status 503"),
        ("SSH-2.0-OpenSSH\r\n", "no HTTP: 'SSH-2.0-OpenSSH\\r\\n'"),
        ("", "no answer (the connection was closed)"),
    ],
)
def test_an_answer_below_400_is_healthy(said: str, expected: str | None) -> None:
    assert judge(said) == expected


def test_the_node_is_asked_by_its_name(serve: Any) -> None:
    server = serve(answer("200 OK"))
    assert ask("127.0.0.1", "web-1", HttpHealth("/health?a=b", server.port), 5) is None
    assert server.asked[0].startswith(f"GET /health?a=b HTTP/1.1\r\nHost: web-1:{server.port}\r\n")


def test_the_node_is_asked_over_tls(serve: Any, tmp_path: Path) -> None:
    (tmp_path / "web.pem").write_text(certificate("web.dev-a"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "web.pem")
    server = serve(answer("503 No"), answer("200 OK"), tls=tls)
    assert ask("127.0.0.1", "web-1", HttpHealth("/", server.port, tls=True), 5) == "status 503"
    assert ask("127.0.0.1", "web-1", HttpHealth("/", server.port, tls=True), 5) is None
    plain = serve(answer("200 OK"))
    assert "no answer" in str(ask("127.0.0.1", "web-1", HttpHealth("/", plain.port, tls=True), 5))


def test_waiting_ends_when_it_is_healthy(node: Node, serve: Any) -> None:
    server = serve(answer("503 No"), answer("503 No"), answer("200 OK"))
    event = node.apply(document(web={"http_health": {"path": "/", "port": server.port}}), hosts=ADDRESS)
    assert event["event"] == "result"
    assert len(server.asked) == 3


def test_waiting_ends_when_the_time_is_up(node: Node, serve: Any) -> None:
    server = serve(answer("500 Oh", "the database is away"))
    wanted = document(web={"http_health": {"path": "/health", "port": server.port, "timeout": 1}})
    event = node.apply(wanted, hosts=ADDRESS)
    assert (event["step"], event["component"]) == ("health", "web")
    url = f"http://{NODE['name']}:{server.port}/health"
    said = f"{url}: expected a status below 400 within 1 seconds, got status 500: the database is away"
    assert event["message"] == said


def test_nobody_there_is_reported_as_such(node: Node) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    event = node.apply(document(web={"http_health": {"path": "/", "port": port, "timeout": 1}}), hosts=ADDRESS)
    assert "got no answer (Connection refused)" in event["message"]


def test_a_command_must_end_with_0(node: Node) -> None:
    flag = node.root / "flag"
    check = ["/bin/sh", "-c", f"test -e {flag} || {{ echo not yet >&2; exit 4; }}"]
    wanted = document(web={"command_health": {"command": check, "timeout": 1}})
    event = node.apply(wanted)
    assert event["step"] == "health"
    assert "expected exit code 0 within 1 seconds, got exit code 4: not yet" in event["message"]
    flag.touch()
    assert node.apply(wanted)["event"] == "result"


def test_a_look_gives_a_command_its_own_time(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    node.accept(document(web={"command_health": {"command": ["/bin/sh", "-c", "exit 0"], "timeout": 42}}))
    lasts: list[float] = []
    monkeypatch.setattr(health, "try_command", lambda host, check, timeout: lasts.append(timeout))
    assert node.status().healthy
    assert lasts == [42]


def test_the_status_says_whether_it_is_healthy(node: Node) -> None:
    flag = node.root / "flag"
    flag.touch()
    wanted = document(web={"command_health": {"command": ["/bin/sh", "-c", f"test -e {flag}"], "timeout": 1}})
    assert not node.status().healthy, "nothing runs"
    node.apply(wanted)
    assert node.status().healthy
    flag.unlink()
    found = node.status()
    assert not found.healthy
    assert found.health == (HealthProblem("web", f"/bin/sh -c test -e {flag}", "exit code 1"),)


def test_what_is_not_healthy_is_to_be_carried_out_again_and_fails_while_it_stays_so(node: Node) -> None:
    flag = node.root / "flag"
    flag.touch()
    wanted = document(web={"command_health": {"command": ["/bin/sh", "-c", f"test -e {flag}"], "timeout": 1}})
    node.accept(wanted)
    assert node.pending(wanted) == []
    flag.unlink()
    assert node.pending(wanted) == ["check component web"]
    event = node.apply(wanted)
    assert (event["step"], event["rolled_back"]) == ("health", True)
    flag.touch()
    assert node.apply(wanted)["changes"] == []


@pytest.mark.parametrize("hangs", [True, False])
def test_a_unit_that_nothing_was_changed_for_is_restarted_once(node: Node, hangs: bool) -> None:
    node.systemd.units["app.service"] = {"ActiveState": "active", "SubState": "running", "ControlGroup": "/app"}
    flag = node.root / "flag"
    flag.touch()
    check = {"command": ["/bin/sh", "-c", f"test -e {flag}"], "timeout": 1}
    unit = {"app.service": {"state": "started", "enabled": False}}
    wanted = document(web={"command_health": check, "units": unit})
    node.accept(wanted)
    flag.unlink()
    if not hangs:
        node.systemd.on_restart = flag.touch
    event = node.apply(wanted)
    assert node.systemd.commands == ["restart app.service"]
    if hangs:
        assert "expected exit code 0 within 1 seconds, also after a restart, got exit code 1" in event["message"]
    else:
        assert event["changes"] == ["restart unit app.service"]

"""Requests to a runner that stays, over a connection that is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.release import session
from soop_components.release.session import Session
from soop_components.runner.protocol import Done, Failed, Hosts, Ping, Receive, Request, UnknownVerb
from soop_components.runner.wire import request_line
from soop_components.transport.process import ConnectionLost
from tests.unit.release.played_runner import ARCHIVE, RESULT, TARGET, Connection, Process

FAILURE = {"event": "failure", "step": "files", "message": "no room"}
FAILED = Failed("files", "no room")
PINGED = request_line(Ping())


def ask(connection: Connection, *requests: Request, shown: list[str] | None = None, content: Any = None) -> list[Any]:
    """Send requests in one session and return the answers."""

    async def show(message: str) -> None:
        (shown if shown is not None else []).append(message)

    async def asking() -> list[Any]:
        begun = Session(connection, ARCHIVE)
        return [await begun.ask(request, Done, show, content) for request in requests or (Ping(),)]

    return asyncio.run(asking())


def test_one_process_answers_one_request_after_the_other() -> None:
    process = Process([{"event": "progress", "message": "looking"}, b"Warning: not JSON\n", RESULT, RESULT])
    connection, shown = Connection(process), list[str]()
    assert ask(connection, Hosts({"web-1": "192.0.2.1"}), Ping(), shown=shown) == [Done(), Done()]
    assert shown == ["looking"]
    assert process.sent.splitlines(keepends=True) == [request_line(Hosts({"web-1": "192.0.2.1"})), PINGED]
    assert len(connection.commands) == 1
    assert connection.commands[0].endswith("exec python3 -I -B /var/lib/soop/runner/abc serve")


def test_a_node_without_the_runner_gets_it() -> None:
    connection = Connection(Process([], code=99), Process([RESULT]))
    assert ask(connection) == [Done()]
    assert connection.installing.sent == b"the runner"


def test_a_runner_that_does_not_stay_there_is_an_error() -> None:
    with pytest.raises(SoopError, match="could not be installed"):
        ask(Connection(Process([], code=99), Process([], code=99)))


@pytest.mark.parametrize(
    ("code", "said"), [(127, "no python3 on the node"), (1, r"cannot install the runner\n  \| full")]
)
def test_why_it_cannot_be_installed_is_reported(code: int, said: str) -> None:
    connection = Connection(Process([], code=99), installing=Process([], code, b"full\n"))
    with pytest.raises(SoopError, match=said):
        ask(connection)
    assert connection.aborted


def test_a_node_that_has_lost_its_python_is_recognized() -> None:
    connection = Connection(Process([], code=127, errors=b"bash: line 1: exec: python3: not found\n"))
    with pytest.raises(SoopError, match="no python3 on the node\n  install Debian's package python3 on it"):
        ask(connection)
    assert connection.aborted


def test_after_a_failure_a_new_process_is_asked() -> None:
    first = Process([FAILURE])
    assert ask(Connection(first, Process([RESULT])), Ping(), Ping()) == [FAILED, Done()]
    assert not first.is_open


def test_a_process_that_says_nothing_is_a_failure_with_its_last_words() -> None:
    (event,) = ask(Connection(Process([], code=137, errors=b"Killed\n")))
    said = "the runner ended without an answer to `ping`"
    assert event == Failed(None, said, exit_code=137, stderr_tail="Killed\n")


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        ({"event": "result", "more": 1}, "result: unknown field 'more'"),
        ({"event": "progress", "message": 1}, "progress.message: expected text, not int"),
        ({"event": "failure", "step": "files"}, "failure.message: missing"),
        ({"event": []}, "event: expected progress, result"),
    ],
)
def test_an_answer_of_another_form_is_an_error_that_names_the_node(answer: Any, wrong: str) -> None:
    connection = Connection(Process([answer]))
    with pytest.raises(SoopError, match=rf"^{TARGET.name}: the runner's answer to `ping` cannot be read: {wrong}"):
        ask(connection)
    assert connection.aborted


def test_a_runner_that_does_not_know_the_verb_is_started_again_for_the_next_request() -> None:
    first = Process([{"event": "unknown_verb", "verb": "ping", "protocol": 2}])
    assert ask(Connection(first, Process([RESULT])), Ping(), Ping()) == [UnknownVerb("ping", 2), Done()]
    assert not first.is_open


def test_content_follows_the_request() -> None:
    async def content() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    process = Process([RESULT])
    ask(Connection(process), Receive(), content=content)
    assert process.sent == request_line(Receive()) + b"onetwo"


def is_there(connection: Connection, process: Process, since: float) -> bool:
    """Ask once, then return whether the session is there so many seconds later."""

    async def asking() -> bool:
        begun = Session(connection, ARCHIVE)
        await begun.ask(Ping(), Done, session._to_nobody)
        begun._heard -= since
        process.sent = b""
        return await begun.is_there()

    return asyncio.run(asking())


@pytest.mark.parametrize(("since", "asked"), [(0, b""), (2, PINGED)])
def test_a_runner_that_was_silent_for_long_is_asked_whether_it_is_there(since: float, asked: bytes) -> None:
    process = Process([RESULT, {"event": "result"}])
    assert is_there(Connection(process), process, since)
    assert process.sent == asked


def test_one_whose_connection_was_lost_is_not_there() -> None:
    process = Process([RESULT], code=ConnectionLost("gone"))
    assert not is_there(Connection(process), process, 2)


def test_one_that_was_ended_is_begun_anew_over_the_same_connection() -> None:
    process = Process([RESULT], code=-9)
    connection = Connection(process, Process([RESULT]))
    assert is_there(connection, process, 2)
    assert not connection.aborted


def test_one_that_ended_with_a_failure_is_begun_anew_to_see_whether_it_is_there() -> None:
    connection = Connection(Process([FAILURE]), lost := Process([], code=ConnectionLost("gone")))
    assert not is_there(connection, lost, 2)
    assert lost.sent == PINGED


def test_one_that_says_nothing_in_time_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(Process):
        async def line(self, at_most: int) -> bytes:
            if not self.said:
                await asyncio.sleep(60)
            return await super().line(at_most)

    monkeypatch.setattr(session, "_PATIENCE", 0.01)
    process = Silent([RESULT])
    connection = Connection(process)
    assert not is_there(connection, process, 2)
    assert connection.aborted

"""Nodes that misbehave, over a real connection: each has a bound in time and size, and spoils its own row only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.release import ReleaseResource
from soop_components.provider.resource import Context
from soop_components.provider.rollouts import Rollouts
from soop_components.release import node as node_module
from soop_components.release import session
from soop_components.release.cancellation import Cancellation
from soop_components.release.node import Node
from soop_components.release.runner_archive import FOLDER_ON_NODE, RunnerArchive
from soop_components.release.session import Session
from soop_components.release.sessions import Sessions
from soop_components.runner import protocol
from soop_components.runner.protocol import Done
from soop_components.runner.wire import event
from soop_components.transport import process as commands
from soop_components.transport.ssh import Target, connect
from tests.unit.release.plays import (
    PING,
    PRIVATE_KEY,
    WEB,
    Play,
    RemoteProcess,
    drips,
    end_that_is_none,
    flood_of_errors,
    line,
    machine,
    much_progress,
    no_newline,
    nothing,
    progress_for_ever,
    says,
)

OTHER = "web-2.access-service.dev-access"
NESTED = '{"event": "failure", "step": null, "message": "x", "rollback_failure": ' * 400 + "null" + "}" * 400
ESCAPED = "\x1b]0;owned\x07\x1b[2Jgone \ud800"
INSPECTED = protocol.Inspected((), (), None, None, "1")
STATUS: dict[str, Any] = {"event": "result", "running": None, "accepted": False, "drift": [], "health": []}
WRONG: dict[str, tuple[Play, str]] = {
    "silent": (nothing, "the runner says nothing for"),
    "drips": (drips, "the runner says nothing for"),
    "endless progress": (progress_for_ever, "`status` did not end within"),
    "much progress": (much_progress, "floods its standard output"),
    "no newline": (no_newline, "floods its standard output"),
    "errors": (flood_of_errors, "floods its standard error"),
    "no end": (end_that_is_none, "the runner says nothing for"),
    "types": (says({**STATUS, "drift": {"kind": 1}}), "cannot be read: result.drift: expected a list, not dict"),
    "a long name": (says({**STATUS, "x" * 200_000: 1}), "cannot be read: result: unknown field"),
    "nested": (says(NESTED.encode() + b"\n"), "cannot be read"),
    "no result": (says({"event": "result"}), "cannot be read: result"),
}
SILENT = (nothing, drips, end_that_is_none)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SILENCE", 2.0)
    monkeypatch.setattr(session, "_QUICK", 3.0)
    monkeypatch.setattr(session, "_ANSWER_AT_MOST", 1 << 18)
    monkeypatch.setattr(commands, "_ERRORS_AT_MOST", 4 << 20)


def release_of(*targets: Target) -> dict[str, Any]:
    places = {
        target.name: {"address": "127.0.0.1", "port": target.port, "hostKey": target.host_key} for target in targets
    }
    nodes = {name: {"role": "web", "number": at, "place": place} for at, (name, place) in enumerate(places.items(), 1)}
    return {
        "service": "access-service",
        "version": "3.2.3",
        "digest": "sha256:0",
        "nodes": nodes,
        "roles": {"web": {}},
        "neighbours": {},
        "privateKey": PRIVATE_KEY,
    }


def looked_at(play: Play) -> dict[str, Any]:
    """Look at two nodes, the first of which misbehaves; return what is recorded of each."""

    async def looking() -> dict[str, Any]:
        async with machine(play) as one, machine(says(STATUS), OTHER) as other:
            context = Context("urn:pulumi:dev::p::a$b::release", EngineProgress(None, ""), Cancellation())
            found = await ReleaseResource(Rollouts()).read(context, "id", release_of(one, other), {})
            assert found is not None
            return dict(found["status"])

    return asyncio.run(looking())


@pytest.mark.parametrize(("play", "said"), WRONG.values(), ids=WRONG)
def test_a_node_that_misbehaves_spoils_its_own_row_only(play: Play, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # No flood, and nothing that a node says beside one, has to be faster than the limits that others are about.
    if play is not progress_for_ever:
        monkeypatch.setattr(session, "_QUICK", 60.0)
    if play not in SILENT:
        monkeypatch.setattr(session, "_SILENCE", 60.0)
    status = looked_at(play)
    [drift] = status[WEB]["drift"]
    assert drift.startswith(f"{WEB}: ")
    assert said in drift
    assert len(drift) < 10_000
    assert status[OTHER]["drift"] == ["does not run access-service-3.2.3"]


def test_what_a_node_says_does_nothing_to_a_terminal() -> None:
    running = {"service": "access-service", "version": ESCAPED, "digest": "x", "plan_digest": "y"}
    many = [{"kind": "file", "subject": f"/etc/{ESCAPED}", "detail": "d" * 1000}] * 60
    status = looked_at(says({**STATUS, "running": running, "drift": many}))[WEB]
    assert all(text.isprintable() for text in status["drift"])
    assert status["version"] == r"\x1b]0;owned\x07\x1b[2Jgone \ud800"
    assert status["drift"][-1] == "11 more differences"
    assert len(json.dumps(status)) < 50_000


def asked(play: Play, request: protocol.Request = PING, content: Any = None) -> tuple[Any, list[str]]:
    """Send one request; return the answer and the progress that was shown."""
    shown: list[str] = []

    async def show(message: str) -> None:
        shown.append(message)

    async def asking() -> Any:
        async with machine(play) as target:
            begun = Session(await connect(target, PRIVATE_KEY, 60.0), RunnerArchive.build())
            try:
                return await begun.ask(request, Done, show, content)
            finally:
                begun.abort()

    return asyncio.run(asking()), shown


def test_an_answer_may_be_longer_than_what_a_connection_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_QUICK", 30.0)
    monkeypatch.setattr(session, "_ANSWER_AT_MOST", 4 << 20)
    runs = {"event": "failure", "step": "units", "message": "y" * (3 << 20)}
    answer, _ = asked(says(runs))
    assert len(answer.message) == session._TEXT_AT_MOST + 1


def test_progress_is_harmless_and_that_a_runner_is_at_work_is_not_shown() -> None:
    messages = [{"event": "progress", "message": text} for text in ("", "\x1b[31mred", "")]
    assert asked(says(*messages, {"event": "result"})) == (Done(), [r"\x1b[31mred"])


def test_a_node_that_takes_no_input_is_given_up() -> None:
    async def content() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * (1 << 20)

    with pytest.raises(SoopError, match="the runner says nothing for"):
        asked(nothing, protocol.Receive(), content)


def test_a_node_whose_apply_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "_BETWEEN_LOOKS", 0.0)

    async def play(process: RemoteProcess) -> None:
        while request := await process.stdin.readline():
            if json.loads(request)["verb"] == "follow":
                process.stdout.write(line({"event": "result", "changes": []}))
            else:
                process.stdout.write(line(event(INSPECTED)))

    async def inspecting() -> None:
        async with machine(play) as target:
            sessions = Sessions(RunnerArchive.build())
            await Node(target, PRIVATE_KEY, sessions, EngineProgress(None, "")).inspect({}, {}, (), None)

    with pytest.raises(SoopError, match=f"{WEB}: says that the apply 1 is at work, which has ended\n  restart"):
        asyncio.run(inspecting())


def test_a_node_that_keeps_losing_the_connection_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_module, "_LOSSES", 3)
    verbs: list[str] = []

    async def play(process: RemoteProcess) -> None:
        verbs.append(json.loads(await process.stdin.readline())["verb"])
        process.channel.get_connection().abort()

    async def applying() -> None:
        async with machine(play) as target:
            sessions = Sessions(RunnerArchive.build())
            await Node(target, PRIVATE_KEY, sessions, EngineProgress(None, "")).apply({}, {}, {}, {}, None, (), 0)

    with pytest.raises(SoopError, match=f"{WEB}: the connection was lost 3 times in the middle of an apply"):
        asyncio.run(applying())
    assert verbs == ["apply", "follow", "follow"]


@pytest.mark.parametrize(
    ("request_", "seconds"),
    [
        (protocol.Status(), 3.0),
        (protocol.Apply({"plan": {"a": [{"timeout": 100, "b": {"timeout": 20}}]}}, {}, {}, {}, "id"), 14400 + 240),
        (protocol.Rollback({}, {}, "id"), 14400),
        (protocol.Restart({}, {}, "id"), 14400),
        (protocol.Script("sha256:1", "smoke.py", {}, 30), 33.0),
    ],
    ids=lambda value: str(value)[:10],
)
def test_what_may_take_long_has_its_time(request_: protocol.Request, seconds: float) -> None:
    assert session._longest(request_)[0] == seconds


class Installed:
    """A machine that runs the commands it is given, with a folder in place of the one for runners."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.commands: list[str] = []

    async def play(self, process: RemoteProcess) -> None:
        self.commands.append(process.command or "")
        command = self.commands[-1].replace(FOLDER_ON_NODE, str(self.folder))
        shell = await asyncio.create_subprocess_exec("/bin/sh", "-c", command, stdin=-1, stdout=-1, stderr=-1)
        given = asyncio.create_task(_pass_on(process.stdin, shell.stdin))
        try:
            await asyncio.gather(_pass_on(shell.stdout, process.stdout), _pass_on(shell.stderr, process.stderr))
            process.exit(await shell.wait())
        finally:
            given.cancel()
            if shell.returncode is None:  # the connection is gone, and the runner goes on waiting for requests
                shell.kill()
                await shell.wait()


async def _pass_on(source: Any, drain: Any) -> None:
    while data := await source.read(1 << 16):
        drain.write(data)
        await drain.drain()
    drain.write_eof()


def test_a_runner_that_is_damaged_is_installed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_SILENCE", 60.0)
    monkeypatch.setattr(session, "_QUICK", 60.0)
    node = Installed(tmp_path / "runner")
    assert asked(node.play)[0] == Done()
    [unpacked] = node.folder.iterdir()
    whole = {path: path.read_bytes() for path in unpacked.rglob("*") if path.is_file()}
    damages = {"__main__.py": b"", "*/runner/protocol.py": None, "SHA256SUMS": b"x", "*/*/*/protocol.*.pyc": b"x" * 99}
    for pattern, damage in damages.items():
        [file] = unpacked.glob(pattern)
        file.write_bytes(damage) if damage is not None else file.unlink()
        node.commands.clear()
        assert asked(node.play)[0] == Done()
        assert {path: path.read_bytes() for path in unpacked.rglob("*") if path.is_file()} == whole
        assert list(node.folder.iterdir()) == [unpacked]
        assert len(node.commands) == 3  # not whole, installed, whole

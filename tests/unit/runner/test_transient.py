"""How an apply is begun and found again; that systemd keeps it is shown on real machines."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from soop_components.runner import transient, transient_unit, waiting
from soop_components.runner.failure import Failure
from soop_components.runner.protocol import Applied, Failed, Progress
from tests.unit.runner.node import Node

RESULT = {"event": "result", "changes": []}
SAID = json.dumps(RESULT)


class Unit:
    """Is entered without a systemd."""

    def __init__(self) -> None:
        self.entered: list[tuple[str, list[str]]] = []
        self.refusal: Failure | None = None

    def enter(self, host: Any, unit: str, pipe: str, after_a_kill: list[str]) -> int:
        Path(host.volatile("entered")).write_text(json.dumps([unit, list(after_a_kill), str(os.getsid(0))]))
        if self.refusal is not None:
            raise self.refusal
        return os.open(os.devnull, os.O_WRONLY)


@pytest.fixture
def unit(monkeypatch: pytest.MonkeyPatch) -> Unit:
    found = Unit()
    monkeypatch.setattr(transient_unit, "enter", found.enter)
    return found


@pytest.fixture
def host(node: Node, unit: Unit, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(transient, "_SILENCE", 0.0)
    host = node.host
    host.prepare()
    return host


def hold(host: Any) -> Any:
    """Return work that goes on until the file ``go`` is there."""

    def work(say: Any) -> None:
        say(json.dumps({"event": "progress", "message": "ü"}))
        while not Path(host.volatile("go")).exists():
            time.sleep(0.01)
        say(SAID)

    return work


def let_go(host: Any) -> None:
    """Let the work end and wait until its process has left."""
    Path(host.volatile("go")).touch()
    while transient.running(host) is not None:
        time.sleep(0.01)


def write(host: Any, id_: str, *events: dict[str, Any]) -> None:
    with open(host.volatile(f"events-{id_}.jsonl"), "a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def test_an_apply_is_a_process_of_its_own_that_says_when_it_began(host: Any) -> None:
    transient.start(host, "one", hold(host))
    try:
        assert transient.running(host) == "one"
        me = json.loads(Path(host.volatile("apply.json")).read_text())
        assert me["pid"] != os.getpid()
        assert os.getsid(me["pid"]) not in (os.getsid(0), 0)
        name, clean_up, _ = json.loads(Path(host.volatile("entered")).read_text())
        assert name == "soop-apply-one"
        assert clean_up[-2:] == ["clean-up", "one"]
        assert os.stat(host.volatile("events-one.jsonl")).st_mode & 0o777 == 0o600
    finally:
        let_go(host)
    assert [*transient.follow(host, "one")] == [Progress("ü"), Applied(())]
    assert not os.path.exists(host.volatile("apply.json"))


def test_another_apply_is_refused_and_the_same_is_joined(host: Any) -> None:
    transient.start(host, "one", hold(host))
    try:
        with pytest.raises(Failure, match=r"another apply \(one\) is running"):
            transient.start(host, "two", hold(host))
        transient.start(host, "one", hold(host))
    finally:
        let_go(host)
    assert len(list(transient.follow(host, "one"))) == 2


def test_an_apply_that_gets_no_unit_does_not_begin(host: Any, unit: Unit) -> None:
    unit.refusal = Failure("apply", "systemd did not start the apply", command="systemd-run", exit_code=1)
    with pytest.raises(Failure, match="systemd did not start") as raised:
        transient.start(host, "one", hold(host))
    assert (raised.value.failed.step, raised.value.failed.command, raised.value.failed.exit_code) == (
        "apply",
        "systemd-run",
        1,
    )
    assert transient.running(host) is None
    assert not os.path.exists(host.volatile("events-one.jsonl"))


def test_work_that_fails_in_a_way_nobody_foresaw_never_returns_here(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def work(say: Any) -> None:
        raise RuntimeError("unforeseen")

    me = os.getpid()
    transient.start(host, "one", work)
    assert os.getpid() == me
    monkeypatch.setattr(transient, "_CLEANED_UP_WITHIN", 0.0)
    with pytest.raises(Failure, match="apply one was killed before it ended"):
        list(transient.follow(host, "one"))


def test_following_begins_at_the_first_event_and_ends_with_the_last(host: Any) -> None:
    write(host, "one", {"event": "progress", "message": "a"}, RESULT, {"event": "progress", "message": "too late"})
    assert [*transient.follow(host, "one")] == [Progress("a"), Applied(())]


def test_half_a_line_is_waited_for(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transient, "running", lambda host: "one")
    write(host, "one", {"event": "progress", "message": "ü"})
    with open(host.volatile("events-one.jsonl"), "a", encoding="utf-8") as file:
        file.write(SAID[:9])
    events = transient.follow(host, "one")
    assert next(events) == Progress("ü")
    assert next(events) == Progress("")
    with open(host.volatile("events-one.jsonl"), "a", encoding="utf-8") as file:
        file.write(SAID[9:] + "\n")
    assert next(events) == Applied(())


def test_following_a_killed_apply_ends(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transient, "_CLEANED_UP_WITHIN", 0.0)
    write(host, "one", {"event": "progress", "message": "a"})
    with pytest.raises(Failure, match="apply one was killed before it ended"):
        list(transient.follow(host, "one"))


def test_how_an_apply_was_killed_is_waited_for(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "sleep", lambda seconds: transient.clean_up(host, "one"))
    write(host, "one", {"event": "progress", "message": "a"})
    said = [*transient.follow(host, "one")]
    killed = "the apply was killed before it ended (unknown how); the next one carries on from there"
    assert said == [Progress("a"), Failed("apply", killed)]


def test_following_what_never_was_ends(host: Any) -> None:
    with pytest.raises(Failure, match="knows of no apply one"):
        list(transient.follow(host, "one"))


def test_one_that_is_about_to_begin_is_waited_for(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = host.volatile("pipe-one")
    os.mkfifo(pipe)
    waits = []

    def begin(seconds: float) -> None:
        waits.append(seconds)
        write(host, "one", RESULT)
        os.unlink(pipe)

    monkeypatch.setattr(waiting, "sleep", begin)
    assert [*transient.follow(host, "one")] == [Applied(())]
    assert len(waits) == 1


def test_a_pipe_that_was_left_is_waited_for_no_more(host: Any) -> None:
    os.mkfifo(host.volatile("pipe-one"))
    os.utime(host.volatile("pipe-one"), (0, 0))
    with pytest.raises(Failure, match="knows of no apply one"):
        list(transient.follow(host, "one"))


@pytest.mark.parametrize(("code", "how"), [("killed", "KILL"), ("exited", "unknown how")])
def test_after_a_kill_there_is_a_last_event(host: Any, monkeypatch: pytest.MonkeyPatch, code: str, how: str) -> None:
    monkeypatch.setenv("EXIT_CODE", code)
    monkeypatch.setenv("EXIT_STATUS", "KILL" if code == "killed" else "1")
    with open(host.volatile("events-one.jsonl"), "w", encoding="utf-8") as file:
        file.write('{"event": "progress", "mess')
    Path(host.volatile("apply.json")).write_text(json.dumps({"id": "one", "pid": 1, "started": "never"}))
    transient.clean_up(host, "one")
    last = json.loads(Path(host.volatile("events-one.jsonl")).read_text().splitlines()[-1])
    assert last["message"] == f"the apply was killed before it ended ({how}); the next one carries on from there"
    assert sorted(os.listdir(host.volatile())) == ["events-one.jsonl"]


def test_after_an_end_nothing_is_added(host: Any) -> None:
    write(host, "one", RESULT)
    transient.clean_up(host, "one")
    assert json.loads(Path(host.volatile("events-one.jsonl")).read_text()) == RESULT


@pytest.mark.parametrize("id_", ["", "../x", "a b", "x" * 65, "-x"])
def test_an_id_is_a_plain_word(host: Any, id_: str) -> None:
    with pytest.raises(Failure, match="is not an id"):
        transient.start(host, id_, hold(host))
    with pytest.raises(Failure, match="is not an id"):
        list(transient.follow(host, id_))


def test_old_events_and_pipes_are_removed(host: Any) -> None:
    for number in range(12):
        write(host, f"old-{number}", RESULT)
        os.utime(host.volatile(f"events-old-{number}.jsonl"), (number, number))
    Path(host.volatile("pipe-old")).touch()
    os.utime(host.volatile("pipe-old"), (0, 0))
    Path(host.volatile("pipe-young")).touch()
    transient.start(host, "new", hold(host))
    let_go(host)
    left = set(os.listdir(host.volatile()))
    assert {name for name in left if name.startswith("pipe-")} == {"pipe-young"}
    assert len([name for name in left if name.startswith("events-")]) == 9
    assert "events-old-11.jsonl" in left

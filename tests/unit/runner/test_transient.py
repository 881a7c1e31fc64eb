"""How an apply is found again; that systemd runs it is shown on real machines."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from soop_components.runner import systemd, transient
from soop_components.runner.commands import Completed, Task
from soop_components.runner.failure import Failure
from tests.unit.runner.node import Node

RESULT = {"event": "result", "changes": 0}


class Systemd:
    """Starts nothing, and says of every unit that it is in this state."""

    def __init__(self, state: str = "inactive") -> None:
        self.state = state
        self.job = 0
        self.silent = 0
        """How many more questions it leaves unanswered."""
        self.started: list[list[str]] = []

    def run(self, task: Task) -> Completed:
        if task.argv[0] == "systemd-run":
            self.started.append(list(task.argv))
        if self.silent:
            self.silent -= 1
            return Completed("systemctl show", -9, "", "", timed_out=True)
        return Completed("", 0, f"ActiveState={self.state}\nJob={self.job}\n", "")


@pytest.fixture
def host(node: Node, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(transient, "_SILENCE", 0.0)
    host = node.host
    host.commands = Systemd()
    host.prepare()
    return host


def write(host: Any, id_: str, *events: dict[str, Any]) -> None:
    with open(host.volatile(f"events-{id_}.jsonl"), "a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)


def test_a_request_waits_for_its_unit_and_is_gone_once_read(host: Any) -> None:
    assert transient.start(host, "apply", {"id": "one", "secrets": {"p": "s3cret"}}) == "one"
    (argv,) = host.commands.started
    assert "--unit=soop-apply-one" in argv
    assert argv[-2:] == ["work", "one"]
    assert "s3cret" not in " ".join(argv)
    path = host.volatile("request-one.json")
    assert os.stat(path).st_mode & 0o777 == 0o600
    request, output = transient.take(host, "one")
    output.close()
    assert (request["verb"], request["secrets"]) == ("apply", {"p": "s3cret"})
    assert not os.path.exists(path)
    assert transient.running(host) == "one"


def test_another_apply_is_refused_and_the_same_is_joined(host: Any) -> None:
    transient.start(host, "apply", {"id": "one"})
    transient.take(host, "one")[1].close()
    with pytest.raises(Failure, match=r"another apply \(one\) is running"):
        transient.start(host, "apply", {"id": "two"})
    assert transient.start(host, "apply", {"id": "one"}) == "one"
    assert len(host.commands.started) == 1


def test_following_begins_at_the_first_event_and_ends_with_the_last(host: Any) -> None:
    write(host, "one", {"event": "progress", "message": "a"}, RESULT, {"event": "progress", "message": "too late"})
    events = [json.loads(line) for line in transient.follow(host, {"id": "one"})]
    assert events == [{"event": "progress", "message": "a"}, RESULT]


def test_half_a_line_is_waited_for(host: Any) -> None:
    host.commands.state = "active"
    write(host, "one", {"event": "progress", "message": "ü"})
    with open(host.volatile("events-one.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(RESULT)[:9])
    lines = transient.follow(host, {"id": "one"})
    assert "ü" in json.loads(next(lines))["message"]
    with open(host.volatile("events-one.jsonl"), "a", encoding="utf-8") as file:
        file.write(json.dumps(RESULT)[9:] + "\n")
    assert json.loads(next(lines)) == RESULT


def test_following_a_killed_apply_ends(host: Any) -> None:
    write(host, "one", {"event": "progress", "message": "a"})
    with pytest.raises(Failure, match="apply one was killed before it ended"):
        list(transient.follow(host, {"id": "one"}))


@pytest.mark.parametrize(("state", "job"), [("activating", 0), ("inactive", 7)])
def test_an_apply_that_systemd_is_about_to_start_is_running(host: Any, state: str, job: int) -> None:
    transient.start(host, "apply", {"id": "one"})
    host.commands.state, host.commands.job = state, job
    assert transient.running(host) == "one"
    with pytest.raises(Failure, match=r"another apply \(one\) is running"):
        transient.start(host, "apply", {"id": "two"})


def test_a_request_without_a_unit_is_nothing_that_runs(host: Any) -> None:
    transient.start(host, "apply", {"id": "one"})
    assert transient.running(host) is None


def test_a_systemd_too_busy_to_answer_is_asked_again(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "_PAUSE", 0.0)
    transient.start(host, "apply", {"id": "one"})
    host.commands.state, host.commands.silent = "active", 3
    assert transient.running(host) == "one"
    monkeypatch.setattr(systemd, "_PATIENCE", 0.0)
    host.commands.silent = 3
    with pytest.raises(Failure, match="systemd does not answer"):
        transient.running(host)


def test_following_what_never_was_ends(host: Any) -> None:
    with pytest.raises(Failure, match="knows of no apply one"):
        list(transient.follow(host, {"id": "one"}))


def test_after_a_kill_there_is_a_last_event_and_no_request(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXIT_STATUS", "KILL")
    transient.start(host, "apply", {"id": "one", "secrets": {"p": "s3cret"}})
    with open(host.volatile("events-one.jsonl"), "w", encoding="utf-8") as file:
        file.write('{"event": "progress", "mess')
    transient.clean_up(host, "one")
    last = json.loads(Path(host.volatile("events-one.jsonl")).read_text().splitlines()[-1])
    assert last["message"] == "the apply was killed before it ended (KILL); the next one carries on from there"
    assert sorted(os.listdir(host.volatile())) == ["events-one.jsonl"]


def test_after_an_end_nothing_is_added(host: Any) -> None:
    write(host, "one", RESULT)
    transient.clean_up(host, "one")
    assert json.loads(Path(host.volatile("events-one.jsonl")).read_text()) == RESULT


@pytest.mark.parametrize("id_", ["", "../x", "a b", "x" * 65, None, "-x"])
def test_an_id_is_a_plain_word(host: Any, id_: Any) -> None:
    with pytest.raises(Failure, match="is not an id"):
        transient.start(host, "apply", {"id": id_})


def test_old_events_and_lost_requests_are_removed(host: Any) -> None:
    for number in range(12):
        write(host, f"old-{number}", RESULT)
        os.utime(host.volatile(f"events-old-{number}.jsonl"), (number, number))
    Path(host.volatile("request-lost.json")).touch()
    transient.start(host, "apply", {"id": "new"})
    left = set(os.listdir(host.volatile()))
    assert "request-lost.json" not in left
    assert len([name for name in left if name.startswith("events-")]) == 8
    assert "events-old-11.jsonl" in left

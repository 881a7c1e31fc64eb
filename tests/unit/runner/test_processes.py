"""When the processes of a unit count as quiet."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from soop_components.runner import processes, waiting
from soop_components.runner.process_stat import STATE, stat_of

ASLEEP = {"1/1": ("5", "0")}
WOKEN = {"1/1": ("6", "0")}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A clock that goes on only while somebody sleeps."""
    found = SimpleNamespace(now=100.0)

    def sleep(seconds: float) -> None:
        found.now += seconds

    monkeypatch.setattr(waiting, "now", lambda: found.now)
    monkeypatch.setattr(waiting, "sleep", sleep)
    return found


def play(monkeypatch: pytest.MonkeyPatch, *steps: Any) -> None:
    """Let the processes be found like this, one look after the other, and the last way from then on."""
    left = list(steps)
    monkeypatch.setattr(processes, "_steps", lambda groups, answering: left.pop(0) if len(left) > 1 else left[0])


def test_what_sleeps_is_quiet_after_a_moment(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, ASLEEP)
    processes.wait_until_quiet(["/a"], 101.0)
    assert 100.2 <= clock.now <= 100.24


@pytest.mark.parametrize("disturbance", [WOKEN, None, {}])
def test_what_does_anything_meanwhile_begins_anew(
    clock: Any, monkeypatch: pytest.MonkeyPatch, disturbance: Any
) -> None:
    play(monkeypatch, None, ASLEEP, ASLEEP, ASLEEP, disturbance, ASLEEP)
    processes.wait_until_quiet(["/a"], 101.0)
    assert 100.3 <= clock.now <= 100.34


def test_what_never_rests_is_given_all_the_time(clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    play(monkeypatch, None)
    processes.wait_until_quiet(["/a"], 101.0)
    assert 100.97 <= clock.now <= 101.0


def test_no_process_at_all_is_quiet(clock: Any) -> None:
    processes.wait_until_quiet([], 101.0)
    assert clock.now < 100.24


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """A process that reads what never comes, alone in its group."""
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        monkeypatch.setattr(processes, "members", lambda group: [str(process.pid)])
        yield process
        process.kill()


def steps_while(child: subprocess.Popen[bytes], states: str) -> Any:
    """Return the steps once the child is in one of these states."""
    while True:
        if stat_of(child.pid)[STATE] in states:
            return processes._steps(["/a"])
        time.sleep(0.01)


def test_a_process_that_waits_takes_no_steps_and_one_that_is_woken_does(child: subprocess.Popen[bytes]) -> None:
    before = steps_while(child, "S")
    assert before == {f"{child.pid}/{child.pid}": before[f"{child.pid}/{child.pid}"]}
    assert steps_while(child, "S") == before
    assert child.stdin is not None
    child.stdin.write(b"x")
    child.stdin.flush()
    while steps_while(child, "S") == before:
        time.sleep(0.01)


def test_a_process_that_answers_requests_may_be_woken_and_still_has_to_sleep(child: subprocess.Popen[bytes]) -> None:
    before, asleep = steps_while(child, "S"), {str(child.pid): ()}
    assert child.stdin is not None
    child.stdin.write(b"x")
    child.stdin.flush()
    while steps_while(child, "S") == before:
        time.sleep(0.01)
    while processes._steps(["/a"], ["/a"]) != asleep:
        time.sleep(0.01)
    os.kill(child.pid, signal.SIGSTOP)
    steps_while(child, "T")
    assert processes._steps(["/a"], ["/a"]) is None


def test_a_process_that_does_not_sleep_is_not_quiet(child: subprocess.Popen[bytes]) -> None:
    os.kill(child.pid, signal.SIGSTOP)
    assert steps_while(child, "T") is None


def test_a_process_that_ended_is_not_quiet(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "members", lambda group: ["999999999"])
    assert processes._steps(["/a"]) is None

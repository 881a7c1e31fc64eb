"""When the language host leaves, and that it takes its programs along."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bootstrap.language_host import EXECUTOR
from google.protobuf import empty_pb2

from tests.engine.language_host.host import ENDED_WELL, Host, is_running

STUBBORN = ENDED_WELL.replace("signal.signal(signal.SIGTERM, end)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")


def interrupt(host: Host) -> None:
    os.killpg(host.process.pid, signal.SIGINT)


def terminate(host: Host) -> None:
    host.process.terminate()


def lose_the_engine(host: Host) -> None:
    assert host.process.stdin is not None
    host.process.stdin.close()


@pytest.mark.parametrize("leave", [interrupt, terminate, lose_the_engine])
def test_it_leaves_at_once_and_quietly(host: Host, leave: Callable[[Host], None]) -> None:
    leave(host)
    assert host.end() == (b"", b"")


@pytest.mark.parametrize("leave", [interrupt, terminate, lose_the_engine])
def test_it_takes_its_programs_along_which_are_asked_and_not_interrupted(
    host: Host, leave: Callable[[Host], None]
) -> None:
    result, process = host.run_until_it_waits(ENDED_WELL)
    leave(host)
    assert result.result().bail
    assert host.end() == (b"", b"")
    assert not is_running(process)
    assert (host.folder / "ended-by").read_text() == "SIGTERM"


def test_a_program_that_does_not_end_when_asked_is_ended(host: Host) -> None:
    result, process = host.run_until_it_waits(STUBBORN)
    asked = time.monotonic()
    interrupt(host)
    host.end()
    assert time.monotonic() - asked > 1.9, "it has two seconds; the engine waits for five"
    assert result.result().bail
    while is_running(process):
        time.sleep(0.02)


def test_a_host_without_an_engines_pipe_stays(start: Callable[..., Host]) -> None:
    host = start(stdin=subprocess.DEVNULL)
    time.sleep(0.2)
    assert host.calls.GetPluginInfo(empty_pb2.Empty()).version


def test_without_the_executor_it_does_not_start(language_host: Path, tmp_path: Path) -> None:
    alone = tmp_path / language_host.name
    shutil.copy(language_host, alone)
    answer = subprocess.run([alone], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    expected = f"there is no {tmp_path / EXECUTOR}: run `make toolchain`\n"
    assert (answer.returncode, answer.stdout, answer.stderr) == (1, "", expected)

"""How the language host runs programs and plugins."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from bootstrap.language_host import EXECUTOR
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2

from tests.engine.language_host.host import ENDED_WELL, Host, is_running


def test_programs_and_what_they_start_have_the_interrupt_blocked_and_stay_in_the_group(host: Host) -> None:
    host.python(
        "import os, subprocess\n"
        "itself = open('/proc/self/status').read()\n"
        "its_child = subprocess.check_output(['cat', '/proc/self/status'], text=True)\n"
        "for text in (itself, its_child):\n"
        "    masks = dict(line.split(':') for line in text.splitlines())\n"
        "    print(os.getpgrp(), *(int(masks[name], 16) for name in ('SigBlk', 'SigIgn')), flush=True)\n"
    )
    assert host.run().result() == language_pb2.RunResponse()
    host.process.terminate()
    itself, its_child = host.end()[0].decode().splitlines()
    group, blocked, ignored = map(int, itself.split())
    assert group == host.process.pid
    assert blocked == 1 << (signal.SIGINT - 1)
    assert not ignored & blocked
    assert its_child.split()[:2] == [str(group), str(blocked)]


def test_cancel_ends_what_runs_and_the_host_goes_on(host: Host) -> None:
    result, process = host.run_until_it_waits(ENDED_WELL)
    host.calls.Cancel(empty_pb2.Empty())
    assert result.result() == language_pb2.RunResponse(bail=True)
    assert not is_running(process)
    host.python("")
    assert host.run().result() == language_pb2.RunResponse()


def test_a_call_that_the_engine_gives_up_ends_its_program_and_no_other(host: Host) -> None:
    given_up, process = host.run_until_it_waits(ENDED_WELL)
    (host.folder / "runs").unlink()
    _, other = host.run_until_it_waits(ENDED_WELL)
    given_up.cancel()
    while is_running(process):
        time.sleep(0.02)
    assert is_running(other)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", language_pb2.RunResponse()),
        ("raise SystemExit(3)", language_pb2.RunResponse(error="the program exited with code 3")),
        ("raise SystemExit(32)", language_pb2.RunResponse(bail=True)),
        ("import os; os.kill(os.getpid(), 9)", language_pb2.RunResponse(error="the program was ended by signal 9")),
    ],
)
def test_how_a_program_ended_is_reported(host: Host, text: str, expected: language_pb2.RunResponse) -> None:
    host.python(text)
    assert host.run().result() == expected


def test_the_executor_beside_the_host_runs_the_program_without_input(host: Host, language_host: Path) -> None:
    host.python("import sys; print(sys.argv[1:3], sys.stdin.read() == '', flush=True)")
    host.run().result()
    host.process.terminate()
    executor = language_host.resolve().with_name(EXECUTOR)
    assert host.end()[0].decode() == f"{['-u', str(executor)]} True\n"


def test_a_plugin_is_heard_while_it_runs_on_both_of_its_streams(host: Host) -> None:
    host.python(
        "import os, sys, time\n"
        "print(os.getcwd(), sys.argv[1:], os.environ['ONE'], 'HOME' in os.environ, flush=True)\n"
        "while not os.path.exists('go-on'): time.sleep(0.02)\n"
        "print('badly', file=sys.stderr, flush=True)\n"
        "sys.exit(3)\n"
    )
    pwd = host.folder / "pwd"
    pwd.mkdir()
    request = language_pb2.RunPluginRequest(info=host.info(), pwd=str(pwd), args=["more"], env=["ONE=1=1"])
    pieces = host.calls.RunPlugin(request)
    assert next(pieces).stdout.decode() == f"{pwd} {['-u', str(host.folder), 'more']} 1=1 False\n"
    (pwd / "go-on").touch()
    assert [(piece.stderr, piece.exitcode) for piece in pieces] == [(b"badly\n", 0), (b"", 3)]


def test_a_plugin_that_the_engine_gives_up_ends(host: Host) -> None:
    host.python(ENDED_WELL.replace('open("runs', 'print(os.getpid(), flush=True); open("runs'))
    pieces = host.calls.RunPlugin(language_pb2.RunPluginRequest(info=host.info(), pwd=str(host.folder)))
    process = int(next(pieces).stdout)
    pieces.cancel()
    while is_running(process):
        time.sleep(0.02)

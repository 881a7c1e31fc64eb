"""One server for all plugins that an engine starts; real processes, the engine is played."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from soop_components.provider import launcher

ENGINE = """
import json, os, signal, subprocess, sys

def start():
    argv = [sys.executable, "-m", "soop_components.provider.main", "127.0.0.1:1"]
    plugin = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
    return plugin, int(plugin.stdout.readline())

def end(plugin, how):
    if how == "close":
        plugin.stdin.close()
    else:
        os.killpg(plugin.pid, how)
    return plugin.wait()

(first, one), (second, two) = start(), start()
codes = [end(first, signal.SIGINT), end(second, signal.SIGINT)]
third, three = start()
codes.append(end(third, "close"))
fourth, four = start()
end(fourth, signal.SIGKILL)
print(json.dumps({"ports": [one, two, three, four], "codes": codes}), flush=True)
sys.stdin.readline()
"""


@contextmanager
def engine() -> Iterator[dict[str, list[int]]]:
    argv = [sys.executable, "-c", ENGINE]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


def answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def wait_until_gone(port: int) -> None:
    """Wait for the end of a server, which the test does not outlive if it never comes."""
    while answers(port):
        time.sleep(0.02)


def test_one_server_for_all_starts_of_an_engine_that_ends_with_it() -> None:
    with engine() as mine, engine() as other:
        (port,) = set(mine["ports"])
        assert mine["codes"] == [0, 0, 0]
        assert answers(port)
        assert set(other["ports"]).isdisjoint({port})
    wait_until_gone(port)
    wait_until_gone(other["ports"][0])


def test_without_an_engine_it_serves_until_its_input_ends() -> None:
    argv = [sys.executable, "-m", "soop_components.provider.main"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as plugin:
        assert plugin.stdout is not None
        port = int(plugin.stdout.readline())
        assert answers(port)
    assert plugin.returncode == 0
    wait_until_gone(port)


def test_a_link_that_is_killed_takes_a_server_without_an_engine_along() -> None:
    argv = [sys.executable, "-m", "soop_components.provider.main"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as plugin:
        assert plugin.stdout is not None
        port = int(plugin.stdout.readline())
        plugin.kill()
    assert plugin.returncode == -signal.SIGKILL
    wait_until_gone(port)


def test_what_keeps_a_server_from_starting_is_told() -> None:
    script = "from soop_components.provider import launcher\ndef fail(start):\n    raise SystemError('no luck')\n"
    argv = [sys.executable, "-c", f"{script}launcher.run(fail)\n", "127.0.0.1:1"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "SystemError: no luck" in done.stderr


def test_a_server_that_says_nothing_is_left() -> None:
    ours, its = socket.socketpair()
    with ours, its:
        assert not launcher._relay(ours, b"127.0.0.1:1\n", patience=1)
        assert its.recv(100) == b"127.0.0.1:1\n"

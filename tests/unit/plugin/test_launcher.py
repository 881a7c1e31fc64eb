"""One server for all plugins that an engine starts; real processes, the engine is played."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from soop_components.plugin import idle_servers, launcher, stop_idle_servers

REPOSITORY = Path(__file__).parents[3]
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
def engine(folder: Path, **environment: str) -> Iterator[dict[str, list[int]]]:
    argv = [sys.executable, "-c", ENGINE]
    pulumi_environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    with subprocess.Popen(
        argv, cwd=folder, env=pulumi_environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A project where servers wait for the next engine, at the end for none."""
    yield tmp_path
    stop_idle_servers(tmp_path)
    assert servers(tmp_path) == set()


def servers(folder: Path) -> set[int]:
    """Return the processes of the servers that can be found in a project."""
    begin = idle_servers.address_prefix(str(folder))
    found = set()
    for line in Path("/proc/net/unix").read_text().splitlines():
        if line.split()[-1].startswith(f"@{begin}"):
            with socket.socket(socket.AF_UNIX) as connection, suppress(ConnectionRefusedError):  # it has ended
                connection.connect(b"\0" + line.split()[-1][1:].encode())
                credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
                found.add(struct.unpack("3i", credentials)[0])
    return found


def answers(port: int) -> bool:
    with socket.socket() as asked:
        return asked.connect_ex(("127.0.0.1", port)) == 0


def wait_until_gone(port: int) -> None:
    """Wait for the end of a server, which the test does not outlive if it never comes."""
    while answers(port):
        time.sleep(0.02)


@pytest.mark.parametrize("linger", ["0", "300"])
def test_one_server_for_all_starts_of_an_engine_and_none_for_two_engines(folder: Path, linger: str) -> None:
    with engine(folder, SOOP_LINGER=linger) as mine, engine(folder, SOOP_LINGER=linger) as other:
        assert mine["codes"] == other["codes"] == [0, 0, 0]
        assert len(servers(folder)) == 2
        stop_idle_servers(folder)
        assert len(servers(folder)) == 2, "they have an engine"
    wait_for_servers(folder, int(linger != "0"))


def test_the_next_engine_finds_the_server_of_the_last(folder: Path) -> None:
    with engine(folder, SOOP_LINGER="300"):
        waits = servers(folder)
    assert len(waits) == 1
    with engine(folder, SOOP_LINGER="300", PULUMI_CONFIG="another", COLUMNS="7"):
        assert servers(folder) == waits


def test_a_server_that_is_stopped_is_ended_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idle_servers, "ANSWER_TIMEOUT", 0.1)
    with engine(folder, SOOP_LINGER="300"):
        (waits,) = servers(folder)
    os.kill(waits, signal.SIGSTOP)
    stop_idle_servers(folder)
    wait_for_servers(folder, 0)


def test_an_engine_with_another_environment_has_another_server(folder: Path) -> None:
    with engine(folder, SOOP_LINGER="300"):
        pass
    with engine(folder, SOOP_LINGER="300", SOOP_STORE="elsewhere"):
        assert len(servers(folder)) == 2


def test_a_server_keeps_no_secret_of_the_engine_in_its_environment(folder: Path) -> None:
    secret = dict.fromkeys(("PULUMI_CONFIG", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN"), "s3cret=1")
    with engine(folder, **secret, PULUMI_HOME="/somewhere", SOOP_LINGER="5"):
        (server,) = servers(folder)
        environment = Path(f"/proc/{server}/environ").read_bytes()
    assert b"s3cret" not in environment
    assert {b"PULUMI_HOME=/somewhere", b"SOOP_LINGER=5"} <= set(environment.split(b"\0"))


def test_no_server_is_made_for_an_engine_that_is_gone(folder: Path) -> None:
    argv = [sys.executable, "-m", "soop_components.provider.main", "127.0.0.1:1"]
    left, its = os.pipe()
    os.close(its)
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(argv, cwd=folder, env=environment, stdin=left, capture_output=True, check=False)
    os.close(left)
    assert (done.returncode, done.stdout, servers(folder)) == (1, b"", set())


def test_a_server_waits_no_longer_than_its_setting(folder: Path) -> None:
    with engine(folder, SOOP_LINGER="0.1"):
        pass
    wait_for_servers(folder, 0)


def test_no_port_is_open_while_no_launcher_is_connected(folder: Path) -> None:
    with engine(folder, SOOP_LINGER="300") as mine:
        wait_until_gone(mine["ports"][-1])
        assert len(servers(folder)) == 1


@pytest.mark.parametrize("said", ["soon", "-1", "nan", "1e9"])
def test_how_long_to_wait_is_checked(folder: Path, said: str) -> None:
    argv = [sys.executable, "-m", "soop_components.provider.main", "127.0.0.1:1"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SOOP_LINGER": said}
    done = subprocess.run(argv, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"SOOP_LINGER: expected seconds from 0 to 86400, not {said!r}\n"


def wait_for_servers(folder: Path, number: int) -> None:
    """Wait until so many are left."""
    while len(servers(folder)) != number:
        time.sleep(0.02)


def test_without_an_engine_it_serves_until_its_input_ends() -> None:
    argv = [sys.executable, "-m", "soop_components.provider.main"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as plugin:
        assert plugin.stdout is not None
        port = int(plugin.stdout.readline())
        assert answers(port)
    assert plugin.returncode == 0
    wait_until_gone(port)


def test_a_launcher_that_is_killed_ends_a_server_that_has_no_engine() -> None:
    argv = [sys.executable, "-m", "soop_components.provider.main"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as plugin:
        assert plugin.stdout is not None
        port = int(plugin.stdout.readline())
        plugin.kill()
    assert plugin.returncode == -signal.SIGKILL
    wait_until_gone(port)


def test_what_keeps_a_server_from_starting_is_reported() -> None:
    script = "from soop_components import plugin\ndef fail(start):\n    raise SystemError('no luck')\n"
    argv = [sys.executable, "-c", f"{script}plugin.run(fail)\n", "127.0.0.1:1"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert "SystemError: no luck" in done.stderr


def test_a_server_that_sends_nothing_is_given_up() -> None:
    ours, its = socket.socketpair()
    with ours, its:
        assert not launcher._relay(ours, b"127.0.0.1:1\n", timeout=0.001)
        assert its.recv(100) == b"127.0.0.1:1\n"

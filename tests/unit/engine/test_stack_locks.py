from __future__ import annotations

import json
import os
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

from soop_components.engine.stack_locks import Lock, locks_in

NOW = datetime.now(UTC)
CONTENT = '{"pid":1908,"username":"root","hostname":"vm","timestamp":"2026-11-24T03:33:41.444669295Z"}'


def lock(pid: int, since: datetime = NOW, host: str = socket.gethostname()) -> Lock:
    return Lock(pid=pid, username="me", hostname=host, timestamp=since)


def test_reads_what_the_engine_writes() -> None:
    found = Lock.parse(CONTENT)
    assert found is not None
    assert (found.pid, found.user, found.host) == (1908, "root", "vm")
    assert found.since == datetime(2026, 11, 24, 3, 33, 41, 444669, UTC)
    assert Lock.parse(CONTENT[:40]) is None


def test_a_running_process_holds_its_lock() -> None:
    assert not lock(os.getpid()).is_dead


def test_an_ended_process_holds_nothing_even_before_it_is_reaped() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert lock(process.pid).is_dead
    process.wait()
    assert lock(process.pid).is_dead


def test_a_process_younger_than_the_lock_is_another_one_with_the_same_number() -> None:
    """After a reboot, any process may have the number."""
    assert lock(os.getpid(), NOW - timedelta(days=1)).is_dead


def test_of_another_host_nothing_is_known() -> None:
    elsewhere = lock(2**22 + 1, host="elsewhere")
    assert not elsewhere.is_here
    assert not elsewhere.is_dead


def test_finds_the_locks_of_one_stack(tmp_path: Path) -> None:
    for project, stack, pid in (("soop", "dev-a", 1), ("soop", "dev-b", 2), ("other", "dev-a", 3)):
        folder = tmp_path / ".pulumi" / "locks" / "organization" / project / stack
        folder.mkdir(parents=True)
        (folder / f"{pid}.json").write_text(json.dumps({**json.loads(CONTENT), "pid": pid}))
        (folder / f"{pid}.json.attrs").write_text("{}")
    assert [found.pid for found in locks_in(tmp_path, "soop", "dev-a")] == [1]
    assert locks_in(tmp_path, "soop", "dev-c") == ()


def test_a_lock_that_was_cut_off_is_one_of_nobody(tmp_path: Path) -> None:
    """After a full disk the engine finds its own temporary file, empty, and refuses to do anything."""
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "soop" / "dev-a"
    folder.mkdir(parents=True)
    remains = folder / "8d4ca5a6.json.18eb55e60331d6c0.tmp"
    remains.touch()
    assert locks_in(tmp_path, "soop", "dev-a") == (), "somebody may be writing it right now"
    os.utime(remains, (1, 1))
    (found,) = locks_in(tmp_path, "soop", "dev-a")
    assert found.is_dead
    assert str(found).startswith("a process that could not write it, ")


def test_a_lock_of_another_format_is_not_taken_for_one_that_was_cut_off(tmp_path: Path) -> None:
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "soop" / "dev-a"
    folder.mkdir(parents=True)
    lock = folder / "8d4ca5a6.json"
    lock.write_text('{"holder": "a Pulumi to come"}')
    os.utime(lock, (1, 1))
    assert locks_in(tmp_path, "soop", "dev-a") == ()

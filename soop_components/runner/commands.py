"""The one gateway to other programs: argument lists, a clean environment, bounded time."""

from __future__ import annotations

import os
import select
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Protocol

from soop_components.runner import memory
from soop_components.runner.descendants import Descendants

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_POLL = 0.05
"""Seconds between looks at the output of a command that runs."""
_MUCH = 16 << 20
"""Bytes of output from which on only the end of it is kept: it takes a node's memory."""
_END = 1 << 20
_PUNCH_HOLE = 0x01 | 0x02
"""What ``fallocate`` calls FALLOC_FL_KEEP_SIZE and FALLOC_FL_PUNCH_HOLE."""


class Account(NamedTuple):
    """Who a command runs as."""

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


class Completed(NamedTuple):
    """How a command ended."""

    command: str
    exit_code: int
    stdout: str
    stderr: str
    timed_out: bool = False
    out_of_memory: bool = False
    """Whether it failed while the kernel killed a process for want of memory."""


class Task(NamedTuple):
    """A program to run in / with a clean environment."""

    argv: Sequence[str]
    stdin: bytes = b""
    timeout: float | None = None
    """Seconds until it is killed."""
    environment: Mapping[str, str] = {}
    account: Account | None = None
    """Who it runs as when that is not ourselves."""
    alone: bool = False
    """Whether to kill the processes that it leaves behind."""
    on_line: Callable[[str], None] | None = None
    """Is given each line of its output as it comes."""


class Commands(Protocol):
    """Runs programs; tests have one of their own."""

    def run(self, task: Task) -> Completed:
        """Run a program and wait for it."""


class Programs:
    """Runs programs; their output goes to memory, so that a process that is left behind cannot block the runner."""

    def run(self, task: Task) -> Completed:
        """Run a program and wait for it; one that cannot be started is an ``OSError``."""
        with ExitStack() as stack:
            given, out, err = (stack.enter_context(_Memory(content)) for content in (task.stdin, b"", b""))
            family = stack.enter_context(Descendants()) if task.alone else None
            killed = memory.kills()
            process = _start(task, given, out, err)
            lines = _Lines(out, task.on_line) if task.on_line else None
            timed_out = not _wait(process, task.timeout, (lines.look if lines else out.forget, err.forget))
            if timed_out:
                os.killpg(process.pid, signal.SIGKILL)
            exit_code = process.wait()
            if family is not None:
                family.end()
            if lines is not None:
                lines.look()
            lacked_memory = exit_code != 0 and memory.kills() > killed
            return Completed(shlex.join(task.argv), exit_code, out.text(), err.text(), timed_out, lacked_memory)


def _start(task: Task, stdin: _Memory, stdout: _Memory, stderr: _Memory) -> subprocess.Popen[bytes]:
    account = task.account or Account("root", 0, 0, (), "/root")
    environment = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": account.home, "USER": account.name, "LOGNAME": account.name}
    who: dict[str, Any] = {}
    if task.account is not None and account.uid != os.geteuid():
        who = {"user": account.uid, "group": account.gid, "extra_groups": list(account.groups)}
    return subprocess.Popen(
        list(task.argv),
        stdin=stdin.descriptor,
        stdout=stdout.descriptor,
        stderr=stderr.descriptor,
        env={**environment, **task.environment},
        cwd="/",
        umask=0o022,
        start_new_session=True,
        **who,
    )


def _wait(process: subprocess.Popen[bytes], timeout: float | None, looks: Sequence[Callable[[], None]]) -> bool:
    """Wait for the end, looking at the output as it comes; return whether the end came in time."""
    deadline = None if timeout is None else time.monotonic() + timeout
    end = os.pidfd_open(process.pid)
    try:
        while True:
            left = _POLL if deadline is None else min(max(deadline - time.monotonic(), 0), _POLL)
            if select.select([end], [], [], left)[0]:
                return True
            for look in looks:
                look()
            if deadline is not None and time.monotonic() >= deadline:
                return False
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    finally:
        os.close(end)


class _Memory:
    """A file in memory; of what grows without end, the end."""

    def __init__(self, content: bytes = b"") -> None:
        self.forgotten = 0  # bytes of its beginning that are not kept
        self.descriptor = os.memfd_create("soop")
        view = memoryview(content)
        while view:
            view = view[os.write(self.descriptor, view) :]
        os.lseek(self.descriptor, 0, os.SEEK_SET)

    def __enter__(self) -> _Memory:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self.descriptor)

    def forget(self) -> None:
        """Free the memory of all but the end, if there is much."""
        size = os.fstat(self.descriptor).st_size
        if size - self.forgotten <= _MUCH:
            return
        import ctypes

        start, self.forgotten = self.forgotten, size - _END
        length = ctypes.c_int64(self.forgotten - start)
        ctypes.CDLL(None).fallocate64(self.descriptor, _PUNCH_HOLE, ctypes.c_int64(start), length)

    def bytes(self, start: int = 0) -> bytes:
        """Return what was written from an offset on, as far as it is kept."""
        self.forget()
        start = max(start, self.forgotten)
        size = os.fstat(self.descriptor).st_size
        return os.pread(self.descriptor, max(size - start, 0), start)

    def text(self) -> str:
        """Return all that is kept."""
        return self.bytes().decode(errors="replace")


class _Lines:
    """Passes on each line of an output once."""

    def __init__(self, output: _Memory, on_line: Callable[[str], None]) -> None:
        self._output = output
        self._on_line = on_line
        self._shown = 0

    def look(self) -> None:
        """Pass on the whole lines that came since the last look."""
        text = self._output.bytes(self._shown)
        if self._shown < self._output.forgotten:  # the rest of its first line may end with half a secret: not shown
            _, newline, rest = text.partition(b"\n")
            if not newline:
                return
            self._shown = self._output.forgotten + len(text) - len(rest)
            text = rest
        whole, newline, _ = text.rpartition(b"\n")
        self._shown += len(whole) + len(newline)
        for line in whole.decode(errors="replace").splitlines():
            self._on_line(line)

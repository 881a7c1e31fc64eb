"""Nodes as their host sees them: in a moment, and whatever becomes of their deployer."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import IO

from tests.scenarios.inside import entered
from tests.scenarios.meanwhile import meanwhile
from tests.scenarios.workspace import Workspace

_PSQL = ("runuser", "-u", "postgres", "--", "psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", "ledger")
_TOO_LONG = 300
"""Seconds after which a command on a node counts as hung."""


class OnNode:
    """One node; commands on it need no connection of the project's own."""

    def __init__(self, project: Workspace, name: str) -> None:
        self.name = name
        self._enter = entered(project.first_process(name))

    def sh(self, command: str) -> str:
        """Run a shell command and return what it printed, whatever its exit code."""
        argv = [*self._enter, "sh", "-c", command]
        return subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_TOO_LONG, check=False
        ).stdout.strip()

    def begin(self, command: str) -> None:
        """Run a shell command that goes on by itself."""
        subprocess.Popen([*self._enter, "sh", "-c", command], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def has(self, condition: str) -> bool:
        """Return whether a shell command succeeds."""
        return self.sh(f"{{ {condition}; }} >/dev/null 2>&1 && echo yes") == "yes"

    def sql(self, text: str) -> str:
        """Return what the database answers."""
        argv = [*self._enter, *_PSQL, "-c", text]
        return subprocess.run(argv, capture_output=True, text=True, timeout=_TOO_LONG, check=True).stdout.strip()

    def psql(self) -> subprocess.Popen[str]:
        """Begin a session with the database."""
        pipe = subprocess.PIPE
        return subprocess.Popen([*self._enter, *_PSQL], stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)


def ask(session: subprocess.Popen[str], text: str) -> str:
    """Send a statement that returns one line, and return it; nothing when the session has ended."""
    try:
        _stream(session.stdin).write(f"{text};\n")
        _stream(session.stdin).flush()
        return _stream(session.stdout).readline().strip()
    except OSError:
        return ""


def _stream(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def end(session: subprocess.Popen[str]) -> None:
    """End a session."""
    try:
        session.communicate(timeout=_TOO_LONG)
    finally:
        session.kill()


@contextmanager
def writing(node: OnNode) -> Iterator[list[int]]:
    """Insert one row after the other meanwhile; yields those that were acknowledged."""
    acknowledged: list[int] = []
    numbers = count()
    session = node.psql()

    def write() -> None:
        nonlocal session
        number = next(numbers)
        if ask(session, f"INSERT INTO rows VALUES ({number}) RETURNING n") == str(number):
            acknowledged.append(number)
        else:
            end(session)
            time.sleep(0.1)
            session = node.psql()

    try:
        with meanwhile(write, pause=0.02):
            yield acknowledged
    finally:
        end(session)

"""A runner, and the connection to it, that are played."""

from __future__ import annotations

import json
from typing import Any

from soop_components.release.runner_archive import RunnerArchive
from soop_components.transport.ssh import Target

ARCHIVE = RunnerArchive(b"the runner", "abc")
TARGET = Target("web-1.access-service.dev-access", "192.0.2.1", "ssh-ed25519 AAAA")
RESULT = {"event": "result"}


class Process:
    """A runner that says what was laid down for it, then ends with its exit code."""

    def __init__(self, lines: list[Any], code: int | Exception = 0, errors: bytes = b"") -> None:
        self.said = [line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines]
        self.code = code
        self.errors = errors
        self.sent = b""
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    async def send(self, data: bytes) -> None:
        self.sent += data

    feed = send

    async def line(self, at_most: int) -> bytes:
        return self.said.pop(0) if self.said else b""

    async def wait(self) -> int:
        if isinstance(self.code, Exception):
            raise self.code
        return self.code

    async def read_errors(self) -> bytes:
        return self.errors


class Connection:
    def __init__(self, *processes: Process, installing: Process | None = None) -> None:
        self.target = TARGET
        self.processes = list(processes)
        self.commands: list[str] = []
        self.installing = installing or Process([])
        self.aborted = False

    async def start(self, command: str) -> Process:
        if command.startswith("set -e"):
            return self.installing
        self.commands.append(command)
        return self.processes[len(self.commands) - 1]

    def abort(self) -> None:
        self.aborted = True

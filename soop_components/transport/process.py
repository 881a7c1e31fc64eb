"""A command that runs on a node, at the other end of an SSH connection."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from soop_components.errors import SoopError

if TYPE_CHECKING:
    import asyncssh  # imported below where it is first needed: it is slow to import

_CHUNK = 1 << 16
_KEPT = 1 << 20
"""Bytes of standard error that are kept, the last ones."""
_ERRORS_AT_MOST = 64 << 20
"""Bytes of it after which a command is ended."""


class ConnectionLost(SoopError):
    """The connection ended while a command was running on the node."""


class Process:
    """A running command on a node; whoever started it closes it."""

    def __init__(self, node: str, process: asyncssh.SSHClientProcess[bytes]) -> None:
        self._node = node
        self._process = process
        self._errors = asyncio.create_task(self._end_of_errors())

    def close(self) -> None:
        """Let go of the command, ended or not."""
        self._errors.cancel()
        self._process.close()

    async def send(self, data: bytes) -> None:
        """Write to standard input, as fast as the node takes it."""
        with losses(self._node):
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def feed(self, data: bytes) -> None:
        """Send everything there is and close the input; a command that ends before it has read all decides itself."""
        with suppress(ConnectionLost):  # if the connection is gone, waiting for the end says so
            await self.send(data)
            with losses(self._node):
                self._process.stdin.write_eof()

    async def line(self, at_most: int) -> bytes:
        """Return the next line of standard output, with its end; nothing is left when it is empty.

        One of more bytes than ``at_most`` is a ``SoopError``.
        """
        line = b""
        with losses(self._node):
            while not line.endswith(b"\n") and (part := await self._process.stdout.readline()):
                line += part  # asyncssh splits what is longer than its window
                if len(line) > at_most:
                    raise self._flood("standard output")
        return line

    async def read_errors(self) -> bytes:
        """Return the end of standard error."""
        with losses(self._node):
            return await self._errors

    async def _end_of_errors(self) -> bytes:
        """Read standard error to its end; end a command that floods it."""
        kept, size = b"", 0
        while part := await self._process.stderr.read(_CHUNK):
            kept, size = (kept + part)[-_KEPT:], size + len(part)
            if size > _ERRORS_AT_MOST:
                self._process.close()
                raise self._flood("standard error")
        return kept

    def _flood(self, stream: str) -> SoopError:
        return SoopError(f"{self._node}: a program floods its {stream}", "look at the node")

    async def wait(self) -> int:
        """Wait for the end and return the exit code; a connection that ended first is ``ConnectionLost``."""
        with losses(self._node):
            await self._process.wait_closed()
        code = self._process.returncode
        if code is None or (code < 0 and self._process.exit_signal is None):
            raise ConnectionLost(f"{self._node}: the connection ended in the middle of a command")
        return code


@contextmanager
def losses(node: str) -> Iterator[None]:
    """Turn what asyncssh raises for a lost connection into ``ConnectionLost``."""
    try:
        yield
    except Exception as error:
        import asyncssh

        if isinstance(error, asyncssh.Error | OSError):
            raise ConnectionLost(f"{node}: the connection was lost ({error})") from error
        raise

"""One SSH connection to one node."""

from __future__ import annotations

import asyncio
import ctypes.util
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from soop_components.errors import SoopError
from soop_components.waiting import wait_until

if TYPE_CHECKING:
    import asyncssh  # imported below where it is first needed: it is slow to import

_PAUSE = 0.25
"""Seconds between attempts to connect."""
_SHORTEST = 0.5
"""Seconds that one attempt gets at least."""
_CHUNK = 1 << 16
_KEPT = 1 << 20
"""Bytes of an output that are kept, the last ones."""
_OUTPUT_AT_MOST = 64 << 20
"""Bytes of an output after which a command is ended."""
_loading = Lock()


@dataclass(frozen=True)
class Target:
    """Where a node is and which host key proves that it is the one."""

    name: str
    address: str
    host_key: str
    """Public key line, ``ssh-ed25519 AAAA…``."""
    port: int = 22
    user: str = "root"


@dataclass(frozen=True)
class Outcome:
    """How a command on a node ended."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Unreachable(SoopError):
    """The node does not answer, or is not the machine it should be."""


class ConnectionLost(SoopError):
    """The connection ended while a command was running on the node."""


class TooMuch(SoopError):
    """A command on a node writes more than anybody can want."""


class Connection:
    """An open connection; commands run one after the other or side by side."""

    def __init__(self, target: Target, client: asyncssh.SSHClientConnection) -> None:
        self.target = target
        self._client = client

    def abort(self) -> None:
        """Drop the connection at once."""
        self._client.abort()

    async def run(self, command: str, stdin: bytes = b"") -> Outcome:
        """Run a command line in the node's login shell and wait for it; an exit code other than 0 is no error here."""
        process = self.start(command)
        await process.open()
        try:
            await process.feed(stdin)
            output, errors = await process.read(), await process.read_errors()
            return Outcome(await process.wait(), output, errors)
        finally:
            process.close()

    def start(self, command: str) -> Process:
        """Return a command to be opened, fed, followed and closed."""
        return Process(self.target, self._client, command)


class Process:
    """A running command on a node."""

    def __init__(self, target: Target, client: asyncssh.SSHClientConnection, command: str) -> None:
        self._target = target
        self._client = client
        self._command = command
        self._process: asyncssh.SSHClientProcess[bytes] | None = None
        self._errors: asyncio.Task[bytes] | None = None

    async def open(self) -> None:
        """Begin the command; the one who does so closes it."""
        with _losses(self._target):
            self._process = await self._client.create_process(self._command, encoding=None)
        self._errors = asyncio.create_task(self._end_of(self._process.stderr, "standard error"))

    def close(self) -> None:
        """Let go of the command, ended or not."""
        if self._errors is not None:
            self._errors.cancel()
        if self._process is not None:
            self._process.close()

    @property
    def _running(self) -> asyncssh.SSHClientProcess[bytes]:
        if self._process is None:
            raise RuntimeError("the process was not opened")
        return self._process

    async def send(self, data: bytes) -> None:
        """Write to standard input, as fast as the node takes it."""
        with _losses(self._target):
            self._running.stdin.write(data)
            await self._running.stdin.drain()

    async def feed(self, data: bytes) -> None:
        """Send everything there is and close the input; a command that ends before it has read all decides itself."""
        try:
            await self.send(data)
            with _losses(self._target):
                self._running.stdin.write_eof()
        except ConnectionLost:
            return  # if the connection is gone, waiting for the end says so

    async def line(self, at_most: int) -> bytes:
        """Return the next line of standard output, with its end; nothing is left when it is empty.

        Raises ``TooMuch`` for one of more bytes than ``at_most``.
        """
        line = b""
        with _losses(self._target):
            while not line.endswith(b"\n") and (part := await self._running.stdout.readline()):
                line += part  # asyncssh splits what is longer than its window
                if len(line) > at_most:
                    raise self._too_much("standard output")
        return line

    async def read(self) -> bytes:
        """Return the end of what is left of standard output."""
        with _losses(self._target):
            return await self._end_of(self._running.stdout, "standard output")

    async def read_errors(self) -> bytes:
        """Return the end of standard error."""
        if self._errors is None:
            return b""
        with _losses(self._target):
            return await self._errors

    async def _end_of(self, stream: asyncssh.SSHReader[bytes], name: str) -> bytes:
        """Read a stream to its end; end a command that floods it."""
        kept, size = b"", 0
        while part := await stream.read(_CHUNK):
            kept, size = (kept + part)[-_KEPT:], size + len(part)
            if size > _OUTPUT_AT_MOST:
                self._running.close()
                raise self._too_much(name)
        return kept

    def _too_much(self, stream: str) -> TooMuch:
        return TooMuch(f"{self._target.name}: a program floods its {stream}", "look at the node")

    async def wait(self) -> int:
        """Wait for the end and return the exit code; a connection that ended first is ``ConnectionLost``."""
        with _losses(self._target):
            await self._running.wait_closed()
        code = self._running.returncode
        if code is None or (code < 0 and self._running.exit_signal is None):
            raise ConnectionLost(f"{self._target.name}: the connection ended in the middle of a command")
        return code


def load_library() -> None:
    """Import asyncssh, which takes a while; can be done early, in a thread.

    It asks for libraries that we do not use, for which Python runs a C compiler and a linker if there are any: twice as
    long as the import itself.
    """
    with _loading:
        if "asyncssh" in sys.modules:
            return
        search, ctypes.util.find_library = ctypes.util.find_library, lambda name: None
        try:
            importlib.import_module("asyncssh")
        finally:
            ctypes.util.find_library = search


@contextmanager
def _losses(target: Target) -> Iterator[None]:
    """Turn what asyncssh raises for a lost connection into ``ConnectionLost``."""
    try:
        yield
    except Exception as error:
        import asyncssh

        if isinstance(error, asyncssh.Error | OSError):
            raise ConnectionLost(f"{target.name}: the connection was lost ({error})") from error
        raise


async def connect(target: Target, private_key: str, patience: float) -> Connection:
    """Connect within ``patience`` seconds, trying again while the node refuses or is silent.

    A wrong host key or a refused login is final at once. Raises ``Unreachable``.
    """
    load_library()
    import asyncssh

    key = asyncssh.import_private_key(private_key)
    host_key = asyncssh.import_public_key(target.host_key)
    reason = "no answer"

    async def attempt() -> asyncssh.SSHClientConnection | None:
        nonlocal reason
        try:
            return await _open(target, key, host_key)
        except (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied):
            raise
        except (OSError, asyncssh.Error) as error:
            reason = str(error) or reason
            return None

    try:
        async with asyncio.timeout(max(patience, _SHORTEST)):
            client = await wait_until(attempt, patience, _PAUSE)
    except TimeoutError:
        client = None
    except asyncssh.HostKeyNotVerifiable as error:
        raise Unreachable(
            f"{target.name}: {target.address} shows another host key than the one it was made with",
            "it may be another machine: look before you go on",
        ) from error
    except asyncssh.PermissionDenied as error:
        raise Unreachable(f"{target.name}: {target.address} refuses the domain's key") from error
    if client is None:
        raise Unreachable(f"{target.name}: {target.address} port {target.port} does not answer ({reason})")
    return Connection(target, client)


async def _open(target: Target, key: asyncssh.SSHKey, host_key: asyncssh.SSHKey) -> asyncssh.SSHClientConnection:
    import asyncssh

    return await asyncssh.connect(
        target.address,
        target.port,
        username=target.user,
        client_keys=[key],
        known_hosts=([host_key], [], []),
        server_host_key_algs=["ssh-ed25519"],
        agent_path=None,
        config=None,
        gss_host=None,
        keepalive_interval=5,
        keepalive_count_max=3,
        compression_algs=None,
        preferred_auth="publickey",
    )

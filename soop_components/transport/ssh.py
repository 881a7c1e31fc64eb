"""One SSH connection to one node."""

from __future__ import annotations

import asyncio
import ctypes.util
import importlib
import os
import shlex
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any

from soop_components.errors import SoopError
from soop_components.transport.process import Process, losses
from soop_components.waiting import wait_until

if TYPE_CHECKING:
    import asyncssh  # imported below where it is first needed: it is slow to import

_PAUSE = 0.25
"""Seconds between attempts to connect."""
_SHORTEST = 0.5
"""Seconds that one attempt gets at least."""
_SILENT = "no answer"
_SHUT_OUT = (
    "is it running? then something between drops what comes from here: nodes may be closed to all but the networks in "
    "security.ssh_from of their environment; docs/existing-hosts.md has ways in when your address has changed"
)
KEY_TYPE = "ssh-ed25519"
"""What host keys are."""
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
    jump: Target | None = None
    """The host through which it is reached, by the keys of whoever runs this."""

    @classmethod
    def of_place(cls, name: str, place: Mapping[str, Any]) -> Target:
        """Return where a machine is by its ``place``, as messages shall call it."""
        through = place.get("jump")
        jump = cls.of_place(f"jump host {through['address']}", through) if through else None
        return cls(
            name, place["address"], place["hostKey"], int(place.get("port", 22)), place.get("user", "root"), jump
        )


class OtherHostKey(SoopError):
    """What answers is not the machine that is known, or not any more."""


class LoginRefused(SoopError):
    """The machine is the one that is known, and does not accept the key."""


class Connection:
    """An open connection; commands run one after the other or side by side, as root whoever has logged in."""

    def __init__(self, target: Target, client: asyncssh.SSHClientConnection, through: Connection | None = None) -> None:
        self.target = target
        self.client = client
        self._through = through

    def abort(self) -> None:
        """Drop the connection at once, and that to the host between."""
        self.client.abort()
        if self._through is not None:
            self._through.abort()

    async def start(self, command: str) -> Process:
        """Begin a command line of a shell, to be fed, followed and closed."""
        line = as_root(self.target.user, command)
        with losses(self.target.name):
            return Process(self.target.name, await self.client.create_process(line, encoding=None))


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


def as_root(user: str, command: str) -> str:
    """Return the command line with which a user runs a command as root."""
    return command if user == "root" else f"sudo -n -- sh -c {shlex.quote(command)}"


async def connect(target: Target, private_key: str | None, patience: float) -> Connection:
    """Connect within ``patience`` seconds, trying again while the node refuses or is silent.

    Without a key, with those of whoever runs this: of the SSH agent, and in ``~/.ssh``. A wrong host key or a refused
    login is final at once.
    """
    through = await connect(target.jump, None, patience) if target.jump else None
    try:
        return Connection(target, await _client(target, private_key, patience, through), through)
    except BaseException:
        if through is not None:
            through.abort()
        raise


@asynccontextmanager
async def reachable(target: Target, port: int, patience: float) -> AsyncIterator[tuple[str, int]]:
    """Yield an address and a port at which a port of a node is reached from here."""
    if target.jump is None:
        yield target.address, port
        return
    through = await connect(target.jump, None, patience)
    try:
        with losses(target.jump.name):
            listener = await through.client.forward_local_port("127.0.0.1", 0, target.address, port)
        yield "127.0.0.1", listener.get_port()
    finally:
        through.abort()


async def _client(
    target: Target, private_key: str | None, patience: float, through: Connection | None
) -> asyncssh.SSHClientConnection:
    load_library()
    import asyncssh

    key = asyncssh.import_private_key(private_key) if private_key is not None else None
    host_key = asyncssh.import_public_key(target.host_key)
    reason = _SILENT

    async def attempt() -> asyncssh.SSHClientConnection | None:
        nonlocal reason
        try:
            return await _open(target, key, host_key, through)
        except (asyncssh.HostKeyNotVerifiable, asyncssh.PermissionDenied):
            raise
        except (OSError, asyncssh.Error) as error:
            reason = _SILENT if isinstance(error, TimeoutError) else str(error) or reason
            return None

    try:
        async with asyncio.timeout(max(patience, _SHORTEST)):
            client = await wait_until(attempt, patience, _PAUSE)
    except TimeoutError:
        client = None
    except asyncssh.HostKeyNotVerifiable as error:
        raise OtherHostKey(
            f"{target.name}: {target.address} shows another host key than the one that is known",
            "it may be another machine: look before you go on",
        ) from error
    except asyncssh.PermissionDenied as error:
        whose = "the domain's key" if private_key is not None else "your keys: those of the SSH agent, and in ~/.ssh"
        raise LoginRefused(f"{target.name}: {target.address} refuses {whose}") from error
    if client is None:
        message = f"{target.name}: {target.address} port {target.port} does not answer ({reason})"
        raise SoopError(message, _SHUT_OUT if reason == _SILENT else None)
    return client


async def _open(
    target: Target, key: asyncssh.SSHKey | None, host_key: asyncssh.SSHKey, through: Connection | None
) -> asyncssh.SSHClientConnection:
    import asyncssh

    keys = {"client_keys": [key], "agent_path": None} if key else {"agent_path": os.environ.get("SSH_AUTH_SOCK")}
    return await asyncssh.connect(
        target.address,
        target.port,
        username=target.user,
        known_hosts=([host_key], [], []),
        server_host_key_algs=[KEY_TYPE],
        config=None,
        gss_host=None,
        keepalive_interval=5,
        keepalive_count_max=3,
        compression_algs=None,
        preferred_auth="publickey",
        tunnel=through.client if through else (),
        **keys,
    )

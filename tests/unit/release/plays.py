"""Machines over real SSH connections on which every command is played, most of them badly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncssh

from soop_components.runner.protocol import Ping
from soop_components.transport.ssh import Target

KEY = asyncssh.generate_private_key("ssh-ed25519")
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
PRIVATE_KEY = KEY.export_private_key().decode()
WEB = "web-1.access-service.dev-access"
PING = Ping()
RemoteProcess = asyncssh.SSHServerProcess[bytes]
Play = Callable[[RemoteProcess], Awaitable[None]]


@asynccontextmanager
async def machine(play: Play, name: str = WEB) -> AsyncIterator[Target]:
    """A machine whose every command is played."""

    async def played(process: RemoteProcess) -> None:
        with suppress(OSError, asyncssh.Error):
            await play(process)
        process.exit(0)

    listener = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[HOST_KEY],
        authorized_client_keys=asyncssh.import_authorized_keys(KEY.export_public_key().decode()),
        process_factory=played,
        encoding=None,
    )
    try:
        public = HOST_KEY.export_public_key().decode().strip()
        yield Target(name, "127.0.0.1", public, listener.get_port(), "root")
    finally:
        listener.close()


def line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


async def nothing(process: RemoteProcess) -> None:
    await asyncio.sleep(9)


async def drips(process: RemoteProcess) -> None:
    while True:
        process.stdout.write(b"{")
        await asyncio.sleep(0.05)


async def progress_for_ever(process: RemoteProcess) -> None:
    while True:
        process.stdout.write(line({"event": "progress", "message": "nearly done"}))
        await asyncio.sleep(0.02)


async def much_progress(process: RemoteProcess) -> None:
    while True:
        process.stdout.write(line({"event": "progress", "message": "nearly done" * 100}) * 1000)
        await process.stdout.drain()


async def no_newline(process: RemoteProcess) -> None:
    while True:
        process.stdout.write(b"x" * (1 << 20))
        await process.stdout.drain()


async def flood_of_errors(process: RemoteProcess) -> None:
    while True:
        process.stderr.write(b"error error error\n" * 10000)
        await process.stderr.drain()


async def end_that_is_none(process: RemoteProcess) -> None:
    process.stdout.write_eof()
    await asyncio.sleep(9)


def says(*values: Any) -> Play:
    async def play(process: RemoteProcess) -> None:
        while await process.stdin.readline():
            for value in values:
                process.stdout.write(value if isinstance(value, bytes) else line(value))

    return play

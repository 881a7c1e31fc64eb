"""The plugin's server: serves the engine's calls on a loopback port, and lingers for the next engine."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import grpc.aio

from soop_components.plugin.idle_servers import STOP, is_same_user
from soop_components.plugin.launcher import ServerStart

_UPDATE_TIMEOUT = 60.0
"""Seconds after a preview for which connections are kept for the update: a user may be reading the preview."""
_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
_READ_SIZE = 4096


class Provider(Protocol):
    """The resource provider that is served."""

    @property
    def is_busy(self) -> bool:
        """Whether an operation is running, or was abandoned by the engine before its end."""

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer the calls that this server receives."""

    def log_to(self, engine_address: str) -> None:
        """Send progress messages to the engine at this address, to nobody if it is empty."""

    def reset(self) -> None:
        """Forget the last engine."""

    def cancel(self) -> None:
        """Ask all operations to end."""


def serve(start: ServerStart, provider: Provider) -> None:
    """Serve one engine after the other until no more come, and end the process."""
    asyncio.run(_Server(start, provider).run())


class _Engine:
    """The engine whose plugin we are."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.descriptor = os.pidfd_open(pid)
        """Becomes readable when it has ended."""

    @property
    def has_ended(self) -> bool:
        """Whether it has ended, known before the event loop reports it."""
        return bool(select.select([self.descriptor], [], [], 0)[0])


class _Server:
    """The life of the server: with one launcher or more of one engine, or idle for a while."""

    def __init__(self, start: ServerStart, provider: Provider) -> None:
        self._first_launcher = start.launcher
        self._listener = start.listener
        self._linger = start.linger
        self._provider = provider
        self._port = _Port(provider)
        self._engine: _Engine | None = None
        self._launchers: list[socket.socket] = []
        self._stopping = asyncio.Event()
        self._stop_timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve until it is time to stop; then end the process at once, whatever operation is running."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stopping.set)
        async with asyncio.TaskGroup() as launchers:
            launchers.create_task(self._serve_launcher(self._first_launcher))
            if self._listener is not None:
                loop.add_reader(self._listener, self._accept, self._listener, launchers)
            await self._stopping.wait()
            if self._listener is not None:
                loop.remove_reader(self._listener)
                self._listener.close()
            self._provider.cancel()
            await self._port.close()
            os._exit(0)  # without waiting for threads

    def _accept(self, listener: socket.socket, launchers: asyncio.TaskGroup) -> None:
        """Accept a connection from a launcher of the same user."""
        with suppress(OSError):
            launcher, _ = listener.accept()
            if is_same_user(launcher):
                launchers.create_task(self._serve_launcher(launcher))
            else:
                launcher.close()

    async def _serve_launcher(self, launcher: socket.socket) -> None:
        """Serve a launcher until it disconnects; one of another engine is refused by closing the connection."""
        with launcher, suppress(OSError):
            await _readable(launcher)
            greeting, newline, _ = launcher.recv(_READ_SIZE).partition(b"\n")
            if self._engine is not None and self._engine.has_ended:
                self._engine_ended(self._engine)
            if greeting + newline == STOP and self._engine is None:
                self._stopping.set()
                await asyncio.Event().wait()  # the end of the process closes the connection
            address, _, pid = greeting.decode().partition(" ")
            if not newline or not self._claim_for(pid):
                return
            self._launcher_connected(launcher, address)
            try:
                launcher.sendall(b"%d\n" % await self._port.open())
                while True:
                    await _readable(launcher)
                    if not launcher.recv(_READ_SIZE):
                        return
            finally:
                await self._launcher_disconnected(launcher)

    def _claim_for(self, pid: str) -> bool:
        """Serve this engine from now on; return False if there is another one."""
        if not pid.isdigit():
            return not pid and self._listener is None
        if self._engine is None:
            self._engine = _Engine(int(pid))
            asyncio.get_running_loop().add_reader(self._engine.descriptor, self._engine_ended, self._engine)
        return self._engine.pid == int(pid)

    def _engine_ended(self, engine: _Engine) -> None:
        """Linger for the next engine; stop at once if this one has ended in the middle of an operation."""
        asyncio.get_running_loop().remove_reader(engine.descriptor)
        os.close(engine.descriptor)
        self._engine = None
        lingers = self._listener is not None and not self._provider.is_busy
        self._provider.reset()
        self._stop_after(self._linger if lingers else 0)

    def _launcher_connected(self, launcher: socket.socket, engine_address: str) -> None:
        if self._stop_timer is not None:
            self._stop_timer.cancel()
        self._provider.log_to(engine_address)
        self._launchers.append(launcher)
        self._redirect_standard_error()

    async def _launcher_disconnected(self, launcher: socket.socket) -> None:
        """After the last one, wait for another; stop at once if it has disconnected in the middle of an operation."""
        self._launchers.remove(launcher)
        self._redirect_standard_error()
        if self._launchers:
            return
        if self._provider.is_busy or self._listener is None:
            self._stop_after(0)
        elif self._engine is not None:
            self._stop_after(_UPDATE_TIMEOUT)
        await self._port.close(lambda: bool(self._launchers))

    def _stop_after(self, seconds: float) -> None:
        if self._stop_timer is not None:
            self._stop_timer.cancel()
        self._stop_timer = asyncio.get_running_loop().call_later(seconds, self._stopping.set)

    def _redirect_standard_error(self) -> None:
        """Send standard error to the launcher that connected last, or nowhere."""
        with open(os.devnull, "wb") as nothing:
            os.dup2(self._launchers[-1].fileno() if self._launchers else nothing.fileno(), 2)


class _Port:
    """The port on which the provider answers: open only while a launcher is connected, for any process may call it."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._server: grpc.aio.Server | None = None
        self._number = 0
        self._lock = asyncio.Lock()

    async def open(self) -> int:
        """Return the number of the open port."""
        async with self._lock:
            if self._server is None:
                self._server = grpc.aio.server(options=_OPTIONS)
                self._provider.add_to(self._server)
                self._number = self._server.add_insecure_port("127.0.0.1:0")
                await self._server.start()
            return self._number

    async def close(self, is_needed: Callable[[], bool] = lambda: False) -> None:
        """Close it, whatever operation is running, unless it is needed by then."""
        async with self._lock:
            if self._server is not None and not is_needed():
                server, self._server = self._server, None
                await server.stop(grace=0)


async def _readable(connection: socket.socket) -> None:
    """Wait until something can be read; the socket stays a blocking one, since others write to it."""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)

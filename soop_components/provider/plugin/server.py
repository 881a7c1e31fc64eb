"""The plugin's server: serves the resources on a loopback port, and stays a while for who comes next."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from soop_components import VERSION
from soop_components.provider.plugin.launcher import LEAVE, Start, is_ours
from soop_components.provider.registry import all_resources
from soop_components.provider.servicer import Servicer
from soop_components.transport import load_library

PATIENCE = 60.0
"""Seconds after a preview for which connections are kept for the update; meanwhile somebody may be reading it."""
_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
_ENOUGH = 4096


def serve(start: Start) -> None:
    """Serve one engine after the other until no more come, and end the process."""
    asyncio.run(_Server(start).run())


class _Engine:
    """The process whose plugin we are."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.descriptor = os.pidfd_open(pid)
        """Becomes readable when it is gone."""

    @property
    def is_gone(self) -> bool:
        """Whether it has ended, known before the event loop says so."""
        return bool(select.select([self.descriptor], [], [], 0)[0])


class _Server:
    """The server's life: with one link to the engine or more, or for a while with none."""

    def __init__(self, start: Start) -> None:
        self._door = start.door
        self._linger = start.linger
        self._first = start.link
        self._servicer = Servicer(all_resources(), VERSION, self._get_ready)
        self._is_ready = False
        self._port = _Port(self._servicer)
        self._engine: _Engine | None = None
        self._links: list[socket.socket] = []
        self._over = asyncio.Event()
        self._leaving: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve, and leave at once when it is over, whatever is still at work."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._over.set)
        async with asyncio.TaskGroup() as links:
            links.create_task(self._attend(self._first))
            if self._door is not None:
                loop.add_reader(self._door, self._let_in, self._door, links)
            await self._over.wait()
            if self._door is not None:
                loop.remove_reader(self._door)
                self._door.close()
            self._servicer.cancel()
            await self._port.close()
            os._exit(0)  # what threads are still asking or importing nobody waits for

    def _get_ready(self) -> None:
        """Load beforehand what connections need; a preview of what does not exist yet needs none."""
        if not self._is_ready:
            self._is_ready = True
            asyncio.get_running_loop().run_in_executor(None, load_library)

    def _let_in(self, door: socket.socket, links: asyncio.TaskGroup) -> None:
        """Take a link of the same user."""
        with suppress(OSError):
            link, _ = door.accept()
            if is_ours(link):
                links.create_task(self._attend(link))
            else:
                link.close()

    async def _attend(self, link: socket.socket) -> None:
        """Serve an engine until it ends the link; an end without a word says that we are at work for another."""
        with link, suppress(OSError):
            await _readable(link)
            greeting, newline, _ = link.recv(_ENOUGH).partition(b"\n")
            if self._engine is not None and self._engine.is_gone:
                self._lose(self._engine)
            if greeting + newline == LEAVE and self._engine is None:
                self._over.set()
                await asyncio.Event().wait()  # the end of the process ends the link
            address, _, pid = greeting.decode().partition(" ")
            if not newline or not self._belong_to(pid):
                return
            self._arrive(link, address)
            try:
                link.sendall(b"%d\n" % await self._port.open())
                while True:
                    await _readable(link)
                    if not link.recv(_ENOUGH):
                        return
            finally:
                await self._go(link)

    def _belong_to(self, pid: str) -> bool:
        """Work for this engine from now on, unless there is another."""
        if not pid.isdigit():
            return not pid and self._door is None
        if self._engine is None:
            self._engine = _Engine(int(pid))
            asyncio.get_running_loop().add_reader(self._engine.descriptor, self._lose, self._engine)
        return self._engine.pid == int(pid)

    def _lose(self, engine: _Engine) -> None:
        """See the engine go: in the middle of its work nothing is left to us; else the next one may come."""
        asyncio.get_running_loop().remove_reader(engine.descriptor)
        os.close(engine.descriptor)
        self._engine = None
        lost = self._servicer.at_work or self._door is None
        self._servicer.forget()
        self._leave_after(0 if lost else self._linger)

    def _arrive(self, link: socket.socket, engine: str) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._servicer.report_to(engine)
        self._links.append(link)
        self._speak_to_last()

    async def _go(self, link: socket.socket) -> None:
        """Let a link go; after the last, wait for another, unless one was cut off in the middle of its work."""
        self._links.remove(link)
        self._speak_to_last()
        if self._links:
            return
        if self._servicer.at_work or self._door is None:
            self._leave_after(0)
        elif self._engine is not None:
            self._leave_after(PATIENCE)
        await self._port.close_unless(lambda: bool(self._links))

    def _leave_after(self, seconds: float) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = asyncio.get_running_loop().call_later(seconds, self._over.set)

    def _speak_to_last(self) -> None:
        """Let standard error go to the engine."""
        with open(os.devnull, "wb") as nothing:
            os.dup2(self._links[-1].fileno() if self._links else nothing.fileno(), 2)


class _Port:
    """The port on which the servicer listens: open only while an engine is there, for any process may ask it."""

    def __init__(self, servicer: Servicer) -> None:
        self._servicer = servicer
        self._server: grpc.aio.Server | None = None
        self._number = 0
        self._turn = asyncio.Lock()

    async def open(self) -> int:
        """Return the number of the open port."""
        async with self._turn:
            if self._server is None:
                self._server = grpc.aio.server(options=_OPTIONS)
                provider_pb2_grpc.add_ResourceProviderServicer_to_server(self._servicer, self._server)
                self._number = self._server.add_insecure_port("127.0.0.1:0")
                await self._server.start()
            return self._number

    async def close_unless(self, needed: Callable[[], bool]) -> None:
        """Close it if it is not needed by then."""
        async with self._turn:
            if self._server is not None and not needed():
                server, self._server = self._server, None
                await server.stop(grace=0)

    async def close(self) -> None:
        """Close it, whatever is at work."""
        await self.close_unless(lambda: False)


async def _readable(what: socket.socket) -> None:
    """Wait until something can be read; the socket stays one that blocks, since its other users write to it."""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(what, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(what)

"""The plugin's server: serves the resources on a loopback port, and stays a while for the engine's next start."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from contextlib import suppress

import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from soop_components import VERSION
from soop_components.provider.launcher import Start, is_ours
from soop_components.provider.resources import all_resources
from soop_components.provider.servicer import Servicer
from soop_components.transport import load_library

PATIENCE = 60.0
"""Seconds after a preview for which connections are kept for the update; meanwhile somebody may be reading it."""
_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
_ENOUGH = 4096


def serve(start: Start) -> None:
    """Serve all links to the engine until there are no more, and end the process."""
    asyncio.run(_Server(start).run())


class _Server:
    """The server's life: with one link to the engine or more, or for a while with none."""

    def __init__(self, start: Start) -> None:
        self._start = start
        self._servicer = Servicer(all_resources(), VERSION)
        self._links: list[socket.socket] = []
        self._over = asyncio.Event()
        self._leaving: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Serve, and leave at once when the engine is gone, whatever is still at work."""
        server = grpc.aio.server(options=_OPTIONS)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self._servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        loop = asyncio.get_running_loop()
        loop.run_in_executor(None, load_library)
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._over.set)
        if self._start.engine is not None:
            loop.add_reader(self._start.engine, self._over.set)
        async with asyncio.TaskGroup() as links:
            links.create_task(self._attend(self._start.link, port))
            if self._start.door is not None:
                loop.add_reader(self._start.door, self._let_in, self._start.door, links, port)
            await self._over.wait()
            self._servicer.cancel()
            await server.stop(grace=0)
            os._exit(0)  # what threads are still asking or importing nobody waits for

    def _let_in(self, door: socket.socket, links: asyncio.TaskGroup, port: int) -> None:
        """Take a link of the same user."""
        with suppress(OSError):
            link, _ = door.accept()
            if is_ours(link):
                links.create_task(self._attend(link, port))
            else:
                link.close()

    async def _attend(self, link: socket.socket, port: int) -> None:
        """Serve an engine until it ends the link."""
        with link, suppress(OSError):
            await _readable(link)
            engine, newline, _ = link.recv(_ENOUGH).partition(b"\n")
            if not newline:
                return
            self._arrive(link, engine.decode())
            try:
                link.sendall(b"%d\n" % port)
                while True:
                    await _readable(link)
                    if not link.recv(_ENOUGH):
                        return
            finally:
                self._go(link)

    def _arrive(self, link: socket.socket, engine: str) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._servicer.report_to(engine)
        self._links.append(link)
        self._speak_to_last()

    def _go(self, link: socket.socket) -> None:
        """Let a link go; after the last, wait for another, unless one was cut off in the middle of its work."""
        self._links.remove(link)
        self._speak_to_last()
        if self._links:
            return
        lost = self._start.door is None or self._servicer.at_work
        self._leaving = asyncio.get_running_loop().call_later(0 if lost else PATIENCE, self._over.set)

    def _speak_to_last(self) -> None:
        """Let standard error go to the engine."""
        with open(os.devnull, "wb") as nothing:
            os.dup2(self._links[-1].fileno() if self._links else nothing.fileno(), 2)


async def _readable(what: socket.socket) -> None:
    """Wait until something can be read; the socket stays one that blocks, since its other users write to it."""
    ready = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(what, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(what)

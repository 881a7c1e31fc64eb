"""The plugin's process: serves the resources on a loopback port until the engine is done or gone."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import signal
import sys
from importlib.metadata import PackageNotFoundError, version

import grpc.aio
from pulumi.runtime.proto import provider_pb2_grpc

from soop_components.provider.resources import all_resources
from soop_components.provider.servicer import Servicer

_OPTIONS = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]


def run() -> None:
    """Serve on a loopback port, printed as the first line, as Pulumi expects of a plugin."""
    parser = argparse.ArgumentParser(prog="pulumi-resource-soop", description="Pulumi resource provider of SOOP.")
    parser.add_argument("engine", nargs="?", help="address of the engine, given by Pulumi")
    arguments, _ = parser.parse_known_args()
    asyncio.run(_serve(arguments.engine))


async def _serve(engine: str | None) -> None:
    server = grpc.aio.server(options=_OPTIONS)
    servicer = Servicer(all_resources(), _own_version(), engine)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, importlib.import_module, "asyncssh")  # slow to import, and needed soon
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, done.set)
    _leave_with_engine(loop, done)
    await done.wait()
    servicer.cancellation.request()
    await server.stop(grace=0)
    os._exit(0)  # at once: what threads are still asking or importing nobody waits for


def _leave_with_engine(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    """Stop when standard input ends: it is a pipe from the engine, which closes even when that is killed."""

    def readable() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            done.set()

    try:
        loop.add_reader(sys.stdin.fileno(), readable)
    except (OSError, ValueError):  # standard input is closed or a plain file: nobody to watch
        return


def _own_version() -> str:
    try:
        return version("soop-components")
    except PackageNotFoundError:
        return "0.0.0"

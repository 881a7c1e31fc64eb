"""The language host's process: serves the engine, leaves at once and quietly, takes its programs along."""

from __future__ import annotations

import argparse
import os
import signal
import stat
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from pulumi.runtime.proto import language_pb2_grpc

from language_host.children import Children
from language_host.command import EXECUTOR, HostSettings
from language_host.servicer import LanguageHost

MESSAGE_SIZE = 400 * 1024 * 1024
"""Bytes; what the engine itself allows."""
LEAVE = {signal.SIGINT}


def main(arguments: Sequence[str]) -> None:
    """Serve until the engine says or is gone; the port is the first line of standard output."""
    settings = _settings(arguments)
    # Blocked here, and so in every thread and program started later: the engine interrupts the whole process group when
    # it is done, and the one who answers is this thread, not a program in the middle of something.
    signal.pthread_sigmask(signal.SIG_BLOCK, LEAVE)
    signal.signal(signal.SIGTERM, lambda *_: _leave())
    children = Children()
    server = grpc.server(
        ThreadPoolExecutor(max_workers=16),
        options=[("grpc.max_receive_message_length", MESSAGE_SIZE), ("grpc.max_send_message_length", MESSAGE_SIZE)],
    )
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(settings, children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        threading.Thread(target=_leave_with_engine, daemon=True).start()
    signal.sigwaitinfo(LEAVE)
    children.stop()
    server.stop(grace=0.5).wait(1)
    sys.stdout.flush()
    os._exit(0)  # the pool's threads may still wait for something that no longer matters


def _settings(arguments: Sequence[str]) -> HostSettings:
    parser = argparse.ArgumentParser(prog="pulumi-language-python", allow_abbrev=False)
    parser.add_argument("--tracing", default="", help="where traces go")
    parser.add_argument("--executor", type=Path, required=True, help=f"Pulumi's {EXECUTOR}")
    parser.add_argument("engine_address", nargs="?", default="", help="where the engine listens")
    known, _ = parser.parse_known_args(arguments)
    if not known.executor.is_file():
        sys.exit(f"there is no {known.executor}: run `make toolchain`")
    return HostSettings(known.executor.resolve(), known.engine_address, known.tracing)


def _leave() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def _leave_with_engine() -> None:
    """Leave when the pipe from the engine ends, which is how its death shows."""
    while os.read(0, 4096):
        pass
    _leave()

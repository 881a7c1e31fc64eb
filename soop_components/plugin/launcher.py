"""The process that Pulumi's engine starts as its plugin: it connects the engine with a server that outlasts it.

The engine starts a plugin twice for the preview, stops both, and starts it twice again for the update; a user who tries
things out starts the next engine a minute later. All of them share one server, with its connections to the nodes still
open, as long as project, program and environment are the same; only a process of the same user may connect. It serves
one engine at a time: another engine that starts meanwhile gets a server of its own, which ends with it.

Launcher and server share one socket. The launcher sends the engine's address and process id in one line; the server
answers with its port in one line, and then sends what it writes to standard error. It runs for as long as a launcher is
connected.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import sys
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress

from soop_components.plugin.idle_servers import ANSWER_TIMEOUT, address_prefix, connect
from soop_components.runner.process_stat import ENVIRONMENT, STARTED, stat_of

_LINGER = 300.0
"""Seconds that a server waits for the next engine; ``SOOP_LINGER`` sets another number, and 0 turns waiting off."""
_LONGEST_LINGER = 86400
_READ_SIZE = 65536
_IGNORED_PREFIXES = ("PULUMI_", "TRACE", "OTEL_")
"""How names of variables begin that may differ between engines that share a server, unless they are compared."""
_COMPARED = ("PULUMI_BACKEND_URL", "PULUMI_HOME")
_IGNORED = ("_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "SOOP_PLAN")


class ServerStart:
    """What a new server starts with."""

    def __init__(self, launcher: socket.socket, listener: socket.socket | None, linger: float) -> None:
        self.launcher = launcher
        """The connection to the launcher that started it."""
        self.listener = listener
        """Where other launchers connect; None when this server is for one launcher alone."""
        self.linger = linger
        """Seconds to wait for another engine when there is none."""


def run(serve: Callable[[ServerStart], None]) -> None:
    """Be the plugin until the engine stops it; call ``serve`` in a process of its own if there is no server yet."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    linger = _linger()
    engine = os.getppid()
    if words and _is_orphaned(0):
        os._exit(1)  # the engine was killed meanwhile, and our parent is another process, which may never end
    addresses = _addresses(engine, linger) if words and hasattr(os, "pidfd_open") else {}
    greeting = f"{words[0]} {engine}\n".encode() if words else b"\n"
    for address in list(addresses):
        server = connect(address)
        if server is None:
            break
        if _relay(server, greeting, ANSWER_TIMEOUT):
            os._exit(0)
        del addresses[address]  # it serves another engine, or is about to stop
    served = _relay(_start_server(serve, addresses), greeting)
    os._exit(0 if served else 1)  # at once: there is nothing to clean up


def _linger() -> float:
    text = os.environ.get("SOOP_LINGER", "").strip()
    try:
        seconds = float(text) if text else _LINGER
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= _LONGEST_LINGER:
        sys.stderr.write(f"SOOP_LINGER: expected seconds from 0 to {_LONGEST_LINGER}, not {text!r}\n")
        os._exit(1)
    return seconds


def _addresses(engine: int, linger: float) -> dict[bytes, float]:
    """Return the abstract addresses where this engine's server may listen, and how long one lingers there."""
    prefix = address_prefix(os.getcwd())
    addresses = {f"{prefix}{_fingerprint():08x}": linger} if linger else {}
    with suppress(OSError):
        addresses[f"{prefix}{engine}-{stat_of(engine)[STARTED]}"] = 0.0
    return {b"\0" + address.encode(): seconds for address, seconds in addresses.items()}


def _fingerprint() -> int:
    """Return a number that changes with program, libraries, folder and environment."""
    environment = sorted(
        f"{name}={value}"
        for name, value in os.environ.items()
        if name in _COMPARED or not (name.startswith(_IGNORED_PREFIXES) or name in _IGNORED)
    )
    here = os.stat(".")
    parts = [*sys.argv[:1], sys.executable, f"{here.st_dev} {here.st_ino}", *environment]
    parts += [f"{path} {_changed_at(path)}" for path in sys.path]
    for folder, _, files in os.walk(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))):
        if not folder.endswith("__pycache__"):
            parts += [f"{folder}/{name} {_changed_at(os.path.join(folder, name))}" for name in sorted(files)]
    return zlib.crc32(os.fsencode("\0".join(parts)))


def _changed_at(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _start_server(serve: Callable[[ServerStart], None], addresses: Mapping[bytes, float]) -> socket.socket:
    """Start a server that the engine's signals do not reach, and return the connection to it."""
    ours, its = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            _redirect_standard_streams(its)
            _forget_settings_of_engine()
            serve(ServerStart(its, *_listen(addresses)))
        os._exit(0)
    its.close()
    os.wait()
    return ours


def _redirect_standard_streams(launcher: socket.socket) -> None:
    """Close the engine's pipes; standard error goes to the launcher."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor, target in ((0, nothing), (1, nothing), (2, launcher.fileno())):
        os.dup2(target, descriptor)
    os.close(nothing)


def _forget_settings_of_engine() -> None:
    """Remove the engine's own variables, of which some hold secrets, and overwrite what /proc shows of them."""
    import ctypes

    names = [name for name in os.environb if name.startswith(b"PULUMI_") and name.decode() not in _COMPARED]
    for name in names:
        del os.environb[name]
    begin, end = map(int, stat_of("self")[ENVIRONMENT])
    for entry in ctypes.string_at(begin, end - begin).split(b"\0"):
        if entry.partition(b"=")[0] in names:
            ctypes.memset(begin, 0, len(entry))
        begin += len(entry) + 1


def _listen(addresses: Mapping[bytes, float]) -> tuple[socket.socket | None, float]:
    """Listen on the first address that is free; return the listener and how long to linger. None if none is free."""
    for address, linger in addresses.items():
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(address)
            listener.listen()
            return listener, linger
        except OSError:
            listener.close()
    return None, 0.0


def _relay(server: socket.socket, greeting: bytes, timeout: float | None = None) -> bool:
    """Pass the server's output on until it or the engine has ended; return whether it has sent its port.

    One that closes the connection or sends nothing for ``timeout`` seconds instead is given up.
    """
    watched = select.poll()
    watched.register(server, select.POLLIN)
    if _is_pipe(0):  # from the engine, which closes it at its end
        watched.register(0, select.POLLIN)
    has_port = False
    try:
        server.sendall(greeting)
        while True:
            ready = watched.poll(timeout * 1000 if timeout is not None and not has_port else None)
            if not ready:
                return False
            for descriptor, _ in ready:
                data = os.read(descriptor, _READ_SIZE)
                if not data:
                    return has_port
                if descriptor == 0:
                    continue
                if not has_port and data.partition(b"\n")[0].isdigit():
                    port, newline, data = data.partition(b"\n")
                    os.write(1, port + newline)
                    has_port = True
                os.write(2, data)
    except OSError:
        return has_port


def _is_orphaned(descriptor: int) -> bool:
    """Return whether the process at the other end of a pipe has ended."""
    watched = select.poll()
    watched.register(descriptor, 0)
    return _is_pipe(descriptor) and any(event & select.POLLHUP for _, event in watched.poll(0))


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

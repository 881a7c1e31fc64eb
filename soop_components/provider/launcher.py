"""What the engine starts as its plugin: a link between the engine and a server that outlasts it for a while.

The engine starts a plugin twice for the preview, ends both, and starts it twice again for the update. All find one
server by the engine's process, with its connections to the nodes still open; only a process of the same user is let in.
It ends with the engine, or when nobody came back within ``server.PATIENCE``.

It is run often and loads little. Between the two is one socket: the link sends the engine's address in a line, the
server answers its port in a line and then what it writes to standard error. The server is wanted for as long as the
socket is open.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import stat
import struct
import sys
import zlib
from collections.abc import Callable

_PATIENCE = 10_000
"""Milliseconds that a server which is there already may take for its first word."""
_ENOUGH = 65536


class Start:
    """What a new server begins with."""

    def __init__(self, link: socket.socket, door: socket.socket | None, engine: int | None) -> None:
        self.link = link
        """To the process that the engine has started."""
        self.door = door
        """Where others ask for a link; None when this server is not to be found."""
        self.engine = engine
        """A file descriptor that becomes readable when the engine is gone; None when there is no engine."""


def run(serve: Callable[[Start], None]) -> None:
    """Be the plugin until the engine ends it; ``serve`` is called in a process of its own if there is no server yet."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    name = _name(os.getppid()) if words and hasattr(os, "pidfd_open") else None
    greeting = "".join(words[:1]).encode() + b"\n"
    found = _find(name) if name else None
    served = found is not None and _relay(found, greeting, _PATIENCE)  # one that is about to leave may say nothing
    served = served or _relay(_make(serve, name), greeting)
    os._exit(0 if served else 1)  # at once: there is nothing to tidy up


def _name(engine: int) -> bytes | None:
    """Return the abstract address of the engine's server."""
    try:
        with open(f"/proc/{engine}/stat", encoding="ascii", errors="replace") as file:
            started = file.read().rpartition(")")[2].split()[19]
    except OSError:
        return None
    which = zlib.crc32(os.fsencode("\0".join([os.getcwd(), *sys.argv[:1], sys.executable])))
    return b"\0soop-provider-%d-%s-%08x" % (engine, started.encode(), which)


def _find(name: bytes) -> socket.socket | None:
    """Return a link to the server of this engine, if there is one."""
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(name)
        if is_ours(link):
            return link
    except OSError:
        pass
    link.close()
    return None


def is_ours(link: socket.socket) -> bool:
    """Tell whether a process of the same user is at the other end."""
    credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return bool(struct.unpack("3i", credentials)[1] == os.geteuid())


def _make(serve: Callable[[Start], None], name: bytes | None) -> socket.socket:
    """Make a server that the engine's signals do not reach, and return the link to it."""
    ours, its = socket.socketpair()
    engine = os.pidfd_open(os.getppid()) if name else None
    if os.fork() == 0:
        ours.close()
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            _let_go(its)
            serve(Start(its, _door(name), engine))
        os._exit(0)
    its.close()
    os.wait()
    return ours


def _let_go(link: socket.socket) -> None:
    """Leave the engine's pipes; what goes wrong goes to the link."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor, target in ((0, nothing), (1, nothing), (2, link.fileno())):
        os.dup2(target, descriptor)
    os.close(nothing)


def _door(name: bytes | None) -> socket.socket | None:
    if name is None:
        return None
    door = socket.socket(socket.AF_UNIX)
    try:
        door.bind(name)
        door.listen()
    except OSError:  # another plugin of this engine was faster
        door.close()
        return None
    return door


def _relay(link: socket.socket, greeting: bytes, patience: int | None = None) -> bool:
    """Pass on what the server says until it or the engine is gone; tell whether it said which port it has.

    One that has not said so after ``patience`` milliseconds of silence is left.
    """
    watched = select.poll()
    watched.register(link, select.POLLIN)
    if _is_pipe(0):  # from the engine, whose end closes it
        watched.register(0, select.POLLIN)
    output = 1
    try:
        link.sendall(greeting)
        while True:
            ready = watched.poll(patience if output == 1 else None)
            if not ready:
                return False
            for descriptor, _ in ready:
                said = os.read(descriptor, _ENOUGH)
                if not said:
                    return output == 2
                if descriptor == 0:
                    continue
                if output == 1 and said.partition(b"\n")[0].isdigit():
                    port, newline, said = said.partition(b"\n")
                    os.write(1, port + newline)
                    output = 2
                os.write(2, said)
    except OSError:
        return output == 2


def _is_pipe(descriptor: int) -> bool:
    """Tell whether somebody is at the other end."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

"""Servers that may be idle, waiting for the next engine: where they listen, and how to stop them."""

from __future__ import annotations

import os
import signal
import socket
import struct
import zlib
from contextlib import suppress

STOP = b"leave\n"
"""The request that stops an idle server; one that has an engine refuses it by closing the connection."""
ANSWER_TIMEOUT = 10.0
"""Seconds that a server may take for its first answer, or to stop."""
_PREFIX = "soop-provider-"


def stop_idle_servers(project: os.PathLike[str]) -> None:
    """Stop the servers in a project's folder that wait for the next engine; those that have one stay.

    One that does not answer, stopped by a signal perhaps, is killed: it would hold the domain's key for as long as it
    is there.
    """
    prefix = "@" + address_prefix(os.path.realpath(project))
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        addresses = {line.split()[-1] for line in file}
    for address in sorted(each for each in addresses if each.startswith(prefix)):
        server = connect(b"\0" + address[1:].encode())
        if server is not None:
            with server, suppress(OSError):  # it has ended by itself meanwhile
                _stop(server)


def _stop(server: socket.socket) -> None:
    server.settimeout(ANSWER_TIMEOUT)
    server.sendall(STOP)
    try:
        server.recv(1)  # returns when it closes the connection: it has ended or refuses
    except TimeoutError:
        if process := _peer(server)[0]:  # 0 in a container that shares our network
            os.kill(process, signal.SIGKILL)


def address_prefix(folder: str) -> str:
    """Return how the abstract addresses of a project's servers begin."""
    return f"{_PREFIX}{zlib.crc32(os.fsencode(folder)):08x}-"


def connect(address: bytes) -> socket.socket | None:
    """Return a connection to the server at an address, None if there is none of the same user."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(address)
        if is_same_user(connection):
            return connection
    except OSError:
        pass
    connection.close()
    return None


def is_same_user(connection: socket.socket) -> bool:
    """Return whether a process of the same user is at the other end."""
    return _peer(connection)[1] == os.geteuid()


def _peer(connection: socket.socket) -> tuple[int, int]:
    """Return process and user at the other end."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, user, _ = struct.unpack("3i", credentials)
    return process, user

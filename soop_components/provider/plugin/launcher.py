"""What the engine starts as its plugin: a link between the engine and a server that outlasts it for a while.

The engine starts a plugin twice for the preview, ends both, and starts it twice again for the update; somebody who
tries things out starts the next engine a minute later. All find one server, with its connections to the nodes still
open, as long as project, program and environment are the same; only a process of the same user is let in. It works for
one engine at a time: one that begins meanwhile has a server of its own, which ends with it.

It is run often and loads little. Between the two is one socket: the link sends the engine's address and process in a
line, the server answers its port in a line and then what it writes to standard error. The server is wanted for as long
as the socket is open.
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
from collections.abc import Callable, Mapping
from contextlib import suppress

LINGER = 300.0
"""Seconds for which a server waits for the next engine; ``SOOP_LINGER`` is another number, 0 that it does not."""
LEAVE = b"leave\n"
"""What is said to a server that waits in vain."""
_PATIENCE = 10_000
"""Milliseconds that a server which is there already may take for its first word, or its last."""
_ENOUGH = 65536
_A_DAY = 86400
_PREFIX = "soop-provider-"
_PASSING = ("PULUMI_", "TRACE", "OTEL_")
_PASSED_ON = ("PULUMI_BACKEND_URL", "PULUMI_HOME")
_OF_THE_SHELL = ("_", "SHLVL", "PWD", "OLDPWD", "COLUMNS", "LINES", "SOOP_PLAN")


class Start:
    """What a new server begins with."""

    def __init__(self, link: socket.socket, door: socket.socket | None, linger: float) -> None:
        self.link = link
        """To the process that the engine has started."""
        self.door = door
        """Where others ask for a link; None when this server is not to be found."""
        self.linger = linger
        """Seconds to wait for another engine when there is none."""


def run(serve: Callable[[Start], None]) -> None:
    """Be the plugin until the engine ends it; ``serve`` is called in a process of its own if there is no server yet."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    linger = _linger()
    engine = os.getppid()
    if words and _is_left(0):
        os._exit(1)  # the engine was killed meanwhile, and our parent is another process, which may never end
    names = _names(engine, linger) if words and hasattr(os, "pidfd_open") else {}
    greeting = f"{words[0]} {engine}\n".encode() if words else b"\n"
    for name in list(names):
        found = _find(name)
        if found is None:
            break
        if _relay(found, greeting, _PATIENCE):
            os._exit(0)
        del names[name]  # at work for another engine, or about to leave
    served = _relay(_make(serve, names), greeting)
    os._exit(0 if served else 1)  # at once: there is nothing to tidy up


def dismiss(project: os.PathLike[str]) -> None:
    """End the servers that wait for the next engine in a project's folder; those at work stay.

    One that does not answer, stopped perhaps, is killed: it would hold the domain's key for as long as it is there.
    """
    begin = "@" + _of_project(os.path.realpath(project))
    with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:
        addresses = {line.split()[-1] for line in file}
    for address in sorted(each for each in addresses if each.startswith(begin)):
        found = _find(b"\0" + address[1:].encode())
        if found is not None:
            with found, suppress(OSError):  # gone by itself just now
                found.settimeout(_PATIENCE / 1000)
                found.sendall(LEAVE)
                try:
                    found.recv(1)  # its end, or its refusal
                except TimeoutError:
                    if process := _peer(found)[0]:  # none in a container that shares our network
                        os.kill(process, signal.SIGKILL)


def _linger() -> float:
    said = os.environ.get("SOOP_LINGER", "").strip()
    try:
        seconds = float(said) if said else LINGER
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= _A_DAY:
        sys.stderr.write(f"SOOP_LINGER: expected seconds from 0 to {_A_DAY}, not {said!r}\n")
        os._exit(1)
    return seconds


def _names(engine: int, linger: float) -> dict[bytes, float]:
    """Return the abstract addresses where this engine's server may be, and how long one lingers there."""
    began = _of_project(os.getcwd())
    names = {f"{began}{_fingerprint():08x}": linger} if linger else {}
    try:
        with open(f"/proc/{engine}/stat", encoding="ascii", errors="replace") as file:
            names[f"{began}{engine}-{file.read().rpartition(')')[2].split()[19]}"] = 0.0
    except OSError:
        pass
    return {b"\0" + name.encode(): seconds for name, seconds in names.items()}


def _of_project(folder: str) -> str:
    return f"{_PREFIX}{zlib.crc32(os.fsencode(folder)):08x}-"


def _fingerprint() -> int:
    """Return a number that is another one when program, libraries, folder or environment are others."""
    environment = sorted(
        f"{name}={value}"
        for name, value in os.environ.items()
        if name in _PASSED_ON or not (name.startswith(_PASSING) or name in _OF_THE_SHELL)
    )
    here = os.stat(".")
    said = [*sys.argv[:1], sys.executable, f"{here.st_dev} {here.st_ino}", *environment]
    said += [f"{path} {_changed(path)}" for path in sys.path]
    for folder, _, files in os.walk(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))):
        if not folder.endswith("__pycache__"):
            said += [f"{folder}/{name} {_changed(os.path.join(folder, name))}" for name in sorted(files)]
    return zlib.crc32(os.fsencode("\0".join(said)))


def _changed(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0


def _find(name: bytes) -> socket.socket | None:
    """Return a link to the server at an address, if there is one."""
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
    return _peer(link)[1] == os.geteuid()


def _peer(link: socket.socket) -> tuple[int, int]:
    """Return process and user at the other end."""
    credentials = link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    process, user, _ = struct.unpack("3i", credentials)
    return process, user


def _make(serve: Callable[[Start], None], names: Mapping[bytes, float]) -> socket.socket:
    """Make a server that the engine's signals do not reach, and return the link to it."""
    ours, its = socket.socketpair()
    if os.fork() == 0:
        ours.close()
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            _let_go(its)
            serve(Start(its, *_door(names)))
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


def _door(names: Mapping[bytes, float]) -> tuple[socket.socket | None, float]:
    """Return where a server is to be found and how long it lingers there: not at all if others were faster."""
    for name, linger in names.items():
        door = socket.socket(socket.AF_UNIX)
        try:
            door.bind(name)
            door.listen()
            return door, linger
        except OSError:
            door.close()
    return None, 0.0


def _relay(link: socket.socket, greeting: bytes, patience: int | None = None) -> bool:
    """Pass on what the server says until it or the engine is gone; tell whether it said which port it has.

    One that has not said so after ``patience`` milliseconds of silence, or refuses, is left.
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


def _is_left(descriptor: int) -> bool:
    """Tell whether somebody was at the other end and is gone."""
    watched = select.poll()
    watched.register(descriptor, 0)
    return _is_pipe(descriptor) and any(event & select.POLLHUP for _, event in watched.poll(0))


def _is_pipe(descriptor: int) -> bool:
    """Tell whether somebody is at the other end."""
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)

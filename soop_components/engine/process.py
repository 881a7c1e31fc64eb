"""Runs programs in the user's terminal."""

from __future__ import annotations

import codecs
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from types import FrameType
from typing import IO, TextIO

from soop_components.errors import printable

_CHUNK = 1 << 16


def run_in_terminal(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], *, harmless: bool = False
) -> int:
    """Run a program that shares our input and output, and return its exit code (128 + signal if one killed it).

    Ctrl-C reaches it through the terminal. SIGTERM and SIGHUP are passed on to it, so that it can end in order. If its
    output is to be ``harmless``, nothing in it does anything to the terminal.
    """
    pipe = subprocess.PIPE if harmless else None
    with (
        _signals_passed_on() as pass_on_to,
        subprocess.Popen(list(argv), cwd=folder, env=dict(environment), stdout=pipe, stderr=pipe) as process,
    ):
        pass_on_to(process)
        if process.stdout and process.stderr:
            _print_harmless({process.stdout: sys.stdout, process.stderr: sys.stderr})
        code = process.wait()
    return 128 - code if code < 0 else code


def _print_harmless(outputs: Mapping[IO[bytes], TextIO]) -> None:
    """Print outputs of a program as they come, with control characters as Python writes them."""
    with DefaultSelector() as ready:
        for source, target in outputs.items():
            ready.register(source, EVENT_READ, (target, codecs.getincrementaldecoder("utf-8")("replace")))
        while ready.get_map():
            for key, _ in ready.select():
                target, decoder = key.data
                data = os.read(key.fd, _CHUNK)
                target.buffer.write(printable(decoder.decode(data, final=not data)).encode())
                target.flush()
                if not data:
                    ready.unregister(key.fd)


@contextmanager
def _signals_passed_on() -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
    """Outlive interruptions; what is yielded passes them on to a program, those that came before it too."""
    running: list[subprocess.Popen[bytes]] = []
    early: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT:
            return
        if not running:
            early.append(number)
        for process in running:
            process.send_signal(number)

    def pass_on_to(process: subprocess.Popen[bytes]) -> None:
        running.append(process)
        while early:
            process.send_signal(early.pop())

    # Handlers, unlike SIG_IGN, are not inherited by the program.
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield pass_on_to
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

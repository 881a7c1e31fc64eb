"""Runs programs: quietly, with their output in hand, or in the user's terminal."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType


@dataclass(frozen=True)
class Finished:
    """What a quiet program left."""

    exit_code: int
    stdout: str
    stderr: str


def run_quietly(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Finished:
    """Run a program to its end without input and return what it said."""
    done = subprocess.run(
        list(argv), cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return Finished(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))


def run_in_terminal(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a program that shares our input and output, and return its exit code (128 + signal if one killed it).

    Ctrl-C reaches it through the terminal and is its business; SIGTERM and a lost terminal are handed on to it, so that
    it can end in order.
    """
    with _leaving_signals() as hand_on, subprocess.Popen(list(argv), cwd=folder, env=dict(environment)) as process:
        hand_on.append(process)
        code = process.wait()
    return 128 - code if code < 0 else code


@contextmanager
def _leaving_signals() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Outlive interruptions for as long as the program runs that is put into the list."""
    running: list[subprocess.Popen[bytes]] = []

    def hand_on(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            for process in running:
                process.send_signal(number)

    # Handlers, unlike SIG_IGN, are not inherited by the program.
    before = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield running
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

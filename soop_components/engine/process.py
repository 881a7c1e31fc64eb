"""Runs programs: quietly, with their output in hand, or in the user's terminal."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType


def run_quietly(
    argv: Sequence[str], folder: Path, environment: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end with what it is given as input, and return its exit code and output."""
    return subprocess.run(
        argv,
        cwd=folder,
        env=environment,
        input=given,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def run_in_terminal(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run a program that shares our input and output, and return its exit code (128 + signal if one killed it).

    Ctrl-C reaches it through the terminal. SIGTERM and SIGHUP are passed on to it, so that it can end in order.
    """
    with _signals_passed_on() as receivers, subprocess.Popen(list(argv), cwd=folder, env=dict(environment)) as process:
        receivers.append(process)
        code = process.wait()
    return 128 - code if code < 0 else code


@contextmanager
def _signals_passed_on() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Outlive interruptions, and pass them on to the programs in the list that is yielded."""
    running: list[subprocess.Popen[bytes]] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            for process in running:
                process.send_signal(number)

    # Handlers, unlike SIG_IGN, are not inherited by the program.
    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield running
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

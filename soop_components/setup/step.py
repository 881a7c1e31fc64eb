"""Long pieces of work: each says what it does, that it is alive, and how long it took."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from soop_components.errors import SoopError

Argv = Sequence[str | Path]
TAIL = 15
"""Lines of output shown when a step fails."""
QUIET = 15
"""Seconds between two signs of life where nobody watches."""


def run(title: str, argv: Argv, log: Path, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run ``argv`` with its output in ``log``; a failure is an error with the output's tail."""
    started = time.monotonic()
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            code = _watch(process, title, started)
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code:
        tail = "\n".join(f"  {line}" for line in log.read_text(errors="replace").splitlines()[-TAIL:])
        how = f"failed with exit code {code} after {_seconds(started)} s"
        raise SoopError(f"{title}: {how}\n{tail}\n  all of it: {log}")


def _watch(process: subprocess.Popen[bytes], title: str, started: float) -> int:
    """Wait for ``process``; a counting line on a terminal, a line now and then elsewhere."""
    terminal = sys.stdout.isatty()
    _show(f"{title} …", terminal)
    while True:
        try:
            code = process.wait(timeout=1 if terminal else QUIET)
        except subprocess.TimeoutExpired:
            _show(f"{title} … {_seconds(started)} s", terminal)
            continue
        end = f"{title}: {_seconds(started)} s" if code == 0 else f"{title}: failed"
        print(f"\r\033[K{end}" if terminal else end, flush=True)
        return code


def _show(text: str, terminal: bool) -> None:
    print(f"\r\033[K{text}" if terminal else text, end="" if terminal else "\n", flush=True)


def _seconds(started: float) -> int:
    return round(time.monotonic() - started)

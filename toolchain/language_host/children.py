"""The processes that the language host has started and must not leave behind."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from language_host.command import Command

PATIENCE = 2.0
"""Seconds between asking a process to end and ending it."""


class Children:
    """Starts processes and ends all that are left when the host leaves or is asked to cancel.

    They stay in the host's process group: when the engine loses patience and kills the group, they go with it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._stopped: set[subprocess.Popen[bytes]] = set()

    def start(self, command: Command, cwd: Path | None = None, output: int | None = None) -> subprocess.Popen[bytes]:
        """Start ``command`` without input; its output goes where the host's own goes unless said otherwise."""
        with self._lock:
            process = subprocess.Popen(
                command.arguments,
                env=command.environment,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
            self._running.add(process)
        return process

    def wait(self, process: subprocess.Popen[bytes]) -> int | None:
        """Return the exit code of ``process`` when it has ended; None when we ended it."""
        code = process.wait()
        with self._lock:
            self._running.discard(process)
            return None if process in self._stopped else code

    def stop(self, processes: Sequence[subprocess.Popen[bytes]] | None = None) -> None:
        """Ask ``processes`` (all of them if not given) to end, and end those that do not in time."""
        with self._lock:
            leaving = [process for process in self._running if processes is None or process in processes]
            self._stopped.update(leaving)
        for process in leaving:
            process.terminate()
        for process in leaving:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()

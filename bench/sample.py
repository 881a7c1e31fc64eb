"""Runs commands and says how long they took and how much memory they needed."""

from __future__ import annotations

import ctypes
import os
import re
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Answers
from soop_components.errors import SoopError

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_EVERY = 0.05
"""Seconds between two looks at memory."""
_TOO_LONG = 1800
_TAIL = 30


@dataclass(frozen=True)
class Sample:
    """One run of one command."""

    seconds: float
    memory: int
    """Bytes that all its processes had in memory together at the worst moment; 0 if nobody looked."""
    said: str = field(repr=False, default="")
    answers: Answers | None = None
    """What became of requests meanwhile; None if nobody asked."""


@dataclass(frozen=True)
class Contestant:
    """One side of a comparison."""

    name: str
    run: Callable[[], Sample]
    prepare: Callable[[], None] = lambda: None
    """What has to be done before each run and is not measured."""


@dataclass(frozen=True)
class Series:
    """The samples of one side."""

    name: str
    seconds: tuple[float, ...]
    memory: tuple[int, ...]
    answers: tuple[Answers, ...] = ()

    @property
    def typical_seconds(self) -> float:
        """The median."""
        return statistics.median(self.seconds)

    @property
    def typical_memory(self) -> float:
        """The median, in MiB."""
        return statistics.median(self.memory) / 2**20

    @property
    def failed(self) -> int:
        """How many requests failed in all runs."""
        return sum(each.failed.total() for each in self.answers)


def side_by_side(contestants: Sequence[Contestant], rounds: int, between: Callable[[], None]) -> list[Series]:
    """Run everybody once a round, each round in another order; ``between`` waits until the machine is calm."""
    samples: dict[str, list[Sample]] = {each.name: [] for each in contestants}
    for number in range(rounds):
        turn = number % len(contestants)
        for contestant in (*contestants[turn:], *contestants[:turn]):
            contestant.prepare()
            between()
            samples[contestant.name].append(contestant.run())
    return [
        Series(
            name,
            tuple(each.seconds for each in found),
            tuple(each.memory for each in found),
            tuple(each.answers for each in found if each.answers),
        )
        for name, found in samples.items()
    ]


def measure(
    argv: Sequence[str | Path], folder: Path, environment: Mapping[str, str], expect: str = "", memory: bool = False
) -> Sample:
    """Run a command to its end; one that fails, or does not say the pattern ``expect``, ends the figures."""
    began = time.monotonic()
    with (
        _adoption() if memory else nullcontext(),
        subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process,
    ):
        watch = _Memory(os.getpid()) if memory else None
        said, _ = process.communicate(timeout=_TOO_LONG)
        seconds = time.monotonic() - began
    peak = watch.peak() if watch else 0
    if process.returncode != 0 or not re.search(expect, said):
        tail = "\n".join(said.splitlines()[-_TAIL:])
        why = f"exit code {process.returncode}" if process.returncode else f"did not say {expect!r}"
        raise SoopError(f"{' '.join(map(str, argv))}: {why}\n{tail}")
    return Sample(seconds, peak, said)


@contextmanager
def _adoption() -> Iterator[None]:
    """Let what a command's processes leave behind, such as our provider's server, be ours while it runs."""
    _call_prctl(1)
    try:
        yield
    finally:
        for pid in set(_family(os.getpid())) - {os.getpid()}:
            with suppress(ChildProcessError):
                os.waitpid(pid, 0)
        _call_prctl(0)


def _call_prctl(adopt: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, adopt, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class _Memory:
    """Looks at all below a process from time to time."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def peak(self) -> int:
        """Stop looking and return the most that was seen."""
        self._over.set()
        self._thread.join()
        return self._peak

    def _look(self) -> None:
        while not self._over.wait(_LOOK_EVERY):
            self._peak = max(self._peak, sum(_resident(pid) for pid in _family(self._pid)[1:]))


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        found.append(each)
        for task in Path(f"/proc/{each}/task").glob("*/children"):
            with suppress(OSError):
                waiting += map(int, task.read_text().split())
    return found


def _resident(pid: int) -> int:
    with suppress(OSError):
        match = re.search(r"^RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
        return int(match[1]) * 1024 if match else 0
    return 0

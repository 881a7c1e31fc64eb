"""Asks an address at a steady pace, whether earlier requests are answered or not, and counts those that fail."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

_BEFORE_AND_AFTER = 1.0
"""Seconds of load around what is measured."""


@dataclass
class Answers:
    """What became of the requests of one run."""

    asked: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    """How many failed, by what came instead of an answer."""
    longest: float = 0.0
    """Seconds until the slowest answer."""


@dataclass(frozen=True)
class Load:
    """What is asked, and how."""

    path: str = "/"
    method: str = "GET"
    per_second: int = 40
    patience: float = 10.0
    """Seconds that an answer may take."""
    at_once: int = 1_000
    """So many requests are under way at most; later ones wait, and are not made up for."""


USUAL = Load()


@contextmanager
def asking(address: str, port: int, load: Load = USUAL) -> Iterator[Answers]:
    """Ask meanwhile, each time over a connection of its own; the answers are complete afterwards.

    What ends the asking too early is raised then.
    """
    answers, over = Answers(), threading.Event()
    with ThreadPoolExecutor(max_workers=1) as background:
        asks = background.submit(lambda: asyncio.run(_ask(address, port, load, answers, over)))
        try:
            time.sleep(_BEFORE_AND_AFTER)
            yield answers
            time.sleep(_BEFORE_AND_AFTER)
        finally:
            over.set()
            asks.result()


async def _ask(address: str, port: int, load: Load, answers: Answers, over: threading.Event) -> None:
    due, free = time.monotonic(), asyncio.Semaphore(load.at_once)
    async with asyncio.TaskGroup() as requests:
        while not over.is_set():
            waits = free.locked()
            await free.acquire()
            due = time.monotonic() if waits else due
            request = requests.create_task(ask_once(address, port, answers, load))
            request.add_done_callback(lambda _: free.release())
            due += 1 / load.per_second
            await asyncio.sleep(max(0.0, due - time.monotonic()))


async def ask_once(address: str, port: int, answers: Answers, load: Load = USUAL) -> None:
    """Ask, and note what came of it."""
    answers.asked += 1
    began = time.monotonic()
    try:
        async with asyncio.timeout(load.patience):
            said = await _status(address, port, f"{load.method} {load.path}")
    except TimeoutError:
        said = "no answer in time"
    except OSError as error:
        said = type(error).__name__
    answers.longest = max(answers.longest, time.monotonic() - began)
    if said != "200":
        answers.failed[said] += 1


async def _status(address: str, port: int, what: str) -> str:
    reader, writer = await asyncio.open_connection(address, port)
    try:
        writer.write(f"{what} HTTP/1.1\r\nHost: {address}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        words = head.split(maxsplit=2)
        return words[1].decode() if len(words) > 1 and body else "nothing"
    finally:
        writer.close()

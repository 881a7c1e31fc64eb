"""What goes on in the background while a scenario changes a domain."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from urllib.parse import urlsplit

from bench import load
from tests.scenarios.workspace import NO_ANSWER, get


@contextmanager
def meanwhile(step: Callable[[], None], pause: float = 0.05) -> Iterator[None]:
    """Carry a step out again and again until the block ends; what it raises, the block raises."""
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(pause):
            step()

    with ThreadPoolExecutor(max_workers=1) as background:
        repeating = background.submit(repeat)
        try:
            yield
        finally:
            over.set()
            repeating.result()


@contextmanager
def asking(url: str, pause: float = 0.05) -> Iterator[list[int | str]]:
    """Ask a URL again and again; yields a status per request, or what happened instead."""
    answers: list[int | str] = []
    with meanwhile(lambda: answers.append(answered(url)), pause):
        yield answers


@contextmanager
def under_load(url: str, method: str = "GET") -> Iterator[load.Answers]:
    """Ask a URL a hundred times a second, over eight connections at most; the answers are complete afterwards."""
    where = urlsplit(url)
    many = load.Load(where.path, method, per_second=100, patience=120, at_once=8)
    with load.asking(str(where.hostname), where.port or 80, many) as answers:
        yield answers


@contextmanager
def granting(url: str, reader: str, pause: float = 0.05) -> Iterator[tuple[list[str], list[int | str]]]:
    """Grant a reader one article after the other; yields the acknowledged ones, and the answers to others."""
    acknowledged: list[str] = []
    others: list[int | str] = []
    articles = (f"{number:05}" for number in count())

    def grant() -> None:
        article = next(articles)
        status = answered(f"{url}/grants/{reader}/{article}", "PUT")
        acknowledged.append(article) if status == 204 else others.append(status)

    with meanwhile(grant, pause):
        yield acknowledged, others


def answered(url: str, method: str = "GET") -> int | str:
    """Ask once; return the status, or what happened instead."""
    try:
        return get(url, method)[0]
    except NO_ANSWER as error:
        return repr(error)

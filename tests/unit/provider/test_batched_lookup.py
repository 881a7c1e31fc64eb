"""Questions at the same time."""

from __future__ import annotations

import asyncio

import pytest

from soop_components.provider.batched_lookup import BatchedLookup


class Registry:
    """Knows some names, takes its time, and remembers how it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fails = False

    async def find(self, names: list[str]) -> dict[str, str]:
        self.asked.append(names)
        await asyncio.sleep(0)
        if self.fails:
            raise OSError("no registry")
        return {name: name.upper() for name in names if name != "unknown"}


def test_what_is_asked_meanwhile_is_asked_in_one_go() -> None:
    registry = Registry()

    async def ask() -> list[str | None]:
        together = BatchedLookup(registry.find)
        first = asyncio.create_task(together.get("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        rest = [asyncio.create_task(together.get(name)) for name in ("b", "unknown", "a", "b")]
        return [await each for each in (first, *rest)]

    assert asyncio.run(ask()) == ["A", "B", None, "A", "B"]
    assert registry.asked == [["a"], ["b", "unknown", "a"]], "an answer is never older than its question"


def test_one_after_the_other_is_asked_each_time() -> None:
    registry = Registry()

    async def ask() -> list[str | None]:
        together = BatchedLookup(registry.find)
        return [await together.get(name) for name in ("a", "b")]

    assert asyncio.run(ask()) == ["A", "B"]
    assert registry.asked == [["a"], ["b"]]


def test_all_who_asked_learn_that_it_failed_and_may_ask_again() -> None:
    registry = Registry()
    registry.fails = True

    async def ask() -> str | None:
        together = BatchedLookup(registry.find)
        failed = await asyncio.gather(*(together.get(name) for name in ("a", "b")), return_exceptions=True)
        assert [str(error) for error in failed] == ["no registry", "no registry"]
        registry.fails = False
        return await together.get("a")

    assert asyncio.run(ask()) == "A"


def test_who_gives_up_does_not_take_the_answer_from_others() -> None:
    registry = Registry()

    async def ask() -> str | None:
        together = BatchedLookup(registry.find)
        one, other = asyncio.create_task(together.get("a")), asyncio.create_task(together.get("a"))
        await asyncio.sleep(0)
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
        return await other

    assert asyncio.run(ask()) == "A"

from __future__ import annotations

import asyncio

import pytest

from soop_components.waiting import wait_until
from tests.clock import SetClock


@pytest.mark.parametrize(
    ("answers", "timeout", "pause", "expected", "pauses"),
    [
        (["", "", "found"], 10.0, 2.0, "found", 2),
        (["found"], 0.0, 2.0, "found", 0),
        ([""], 0.0, 2.0, "", 0),
        ([""] * 5, 10.0, 2.0, "", 4),
    ],
)
def test_attempts_are_repeated_until_one_succeeds_or_time_is_up(
    answers: list[str], timeout: float, pause: float, expected: str, pauses: int
) -> None:
    clock, left = SetClock(), iter(answers)

    async def attempt() -> str:
        return next(left)

    assert asyncio.run(wait_until(attempt, timeout, pause, clock)) == expected
    assert clock.slept == [pause] * pauses
    assert next(left, None) is None


def test_time_passes_on_the_real_clock() -> None:
    async def attempt() -> bool:
        return False

    assert asyncio.run(wait_until(attempt, 0.02, 0.005)) is False

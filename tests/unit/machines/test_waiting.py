"""Waiting in the root helper: until something holds, and no longer than said."""

from __future__ import annotations

import pytest

from soop_components.machines.local.root_helper import waiting


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times at which somebody slept; time passes only by sleeping."""
    now = [0.0]
    monkeypatch.setattr(waiting, "monotonic", lambda: now[-1])
    monkeypatch.setattr(waiting, "sleep", lambda seconds: now.append(now[-1] + seconds))
    return now


def test_what_holds_at_once_is_not_waited_for(clock: list[float]) -> None:
    assert waiting.wait_until(lambda: True, 5)
    assert clock == [0]


def test_it_ends_when_it_holds(clock: list[float]) -> None:
    assert waiting.wait_until(lambda: clock[-1] >= 2, 5, pause=1)
    assert clock == [0, 1, 2]


def test_it_ends_when_the_time_is_over(clock: list[float]) -> None:
    assert not waiting.wait_until(lambda: False, 3, pause=1)
    assert clock[-1] == 4

from __future__ import annotations

from datetime import UTC, datetime

from soop_components.engine.history import Run, last_run

ENDED = datetime(2026, 11, 24, 10, 31, tzinfo=UTC)


def entry(kind: str, result: str) -> dict[str, object]:
    return {"kind": kind, "result": result, "endTime": "2026-11-24T10:31:00.000Z", "config": {}, "version": 0}


def test_none_without_history() -> None:
    assert last_run([]) is None


def test_a_refresh_does_not_hide_a_failed_update() -> None:
    history = [entry("refresh", "succeeded"), entry("update", "failed"), entry("update", "succeeded")]
    assert last_run(history) == Run("update", False, ENDED)


def test_a_later_success_counts() -> None:
    history = [entry("destroy", "succeeded"), entry("update", "failed")]
    assert last_run(history) == Run("destroy", True, ENDED)

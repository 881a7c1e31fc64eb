"""What a smoke test makes of an answer."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.model.plan import HttpSmoke
from soop_components.release.smoke_tests import judge

CASES: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({}, 200, "fine", None),
    ({}, 503, "no database", "expected status 200, got 503: no database"),
    ({"status": 404}, 404, "", None),
    ({"contains": "hello"}, 200, "goodbye", "expected a body with 'hello', got: goodbye"),
    ({"json": {"version": "3.2.3"}}, 200, '{"version": "3.2.3", "node": "web-1"}', None),
    (
        {"json": {"version": "3.2.4"}},
        200,
        '{"version": "3.2.3"}',
        'expected version to be "3.2.4", got "3.2.3"',
    ),
    ({"json": {"db": {"up": True}}}, 200, '{"db": {"up": false}}', "expected db.up to be true, got false"),
    ({"json": {"a": 1}}, 200, "{}", "expected a to be 1, got no such key"),
    ({"json": {"a": 1}}, 200, "<html>", "expected JSON, got: <html>"),
]


@pytest.mark.parametrize(("expect", "status", "body", "wrong"), CASES)
def test_judge(expect: dict[str, Any], status: int, body: str, wrong: str | None) -> None:
    request = HttpSmoke.model_validate({"port": 80, "nodes": ["web-1"], **expect})
    assert judge(request, status, body) == wrong

"""Differences name the deepest path that differs."""

from __future__ import annotations

import pytest

from soop_components.provider.diff import Change, differences
from soop_components.provider.wire import UNKNOWN
from soop_components.secret import Secret

CASES = [
    ({}, {}, {}),
    ({"a": 1}, {"a": 1}, {}),
    ({"a": 1}, {"a": 2}, {"a": Change.UPDATED}),
    ({"a": 1}, {}, {"a": Change.REMOVED}),
    ({}, {"a": 1}, {"a": Change.ADDED}),
    ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, {"a.b.c": Change.UPDATED}),
    ({"files": {"/etc/x": "1"}}, {"files": {"/etc/x": "2"}}, {'files["/etc/x"]': Change.UPDATED}),
    ({"a": {'x"y': 1}}, {"a": {'x"y': 2}}, {'a["x\\"y"]': Change.UPDATED}),
    ({"a": [1, 2]}, {"a": [1, 3]}, {"a[1]": Change.UPDATED}),
    ({"a": [1, 2]}, {"a": [1]}, {"a": Change.UPDATED}),
    ({"a": Secret("x")}, {"a": Secret("x")}, {}),
    ({"a": Secret({"k": "x"})}, {"a": Secret({"k": "y"})}, {"a.k": Change.UPDATED}),
    ({"a": 1}, {"a": UNKNOWN}, {"a": Change.UPDATED}),
    ({"web-1": 1}, {"web-1": 2}, {'["web-1"]': Change.UPDATED}),
]


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_differences(old: object, new: object, expected: dict[str, Change]) -> None:
    assert differences(old, new) == expected

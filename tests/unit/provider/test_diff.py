"""Differences name the deepest path that differs."""

from __future__ import annotations

import pytest

from soop_components.provider.diff import PropertyChange, differences
from soop_components.provider.wire import UNKNOWN
from soop_components.secret import Secret

CASES = [
    ({}, {}, {}),
    ({"a": 1}, {"a": 1}, {}),
    ({"a": 1}, {"a": 2}, {"a": PropertyChange.UPDATED}),
    ({"a": 1}, {}, {"a": PropertyChange.REMOVED}),
    ({}, {"a": 1}, {"a": PropertyChange.ADDED}),
    ({"a": {"b": {"c": 1}}}, {"a": {"b": {"c": 2}}}, {"a.b.c": PropertyChange.UPDATED}),
    ({"files": {"/etc/x": "1"}}, {"files": {"/etc/x": "2"}}, {'files["/etc/x"]': PropertyChange.UPDATED}),
    ({"a": {'x"y': 1}}, {"a": {'x"y': 2}}, {'a["x\\"y"]': PropertyChange.UPDATED}),
    ({"a": [1, 2]}, {"a": [1, 3]}, {"a[1]": PropertyChange.UPDATED}),
    ({"a": [1, 2]}, {"a": [1]}, {"a": PropertyChange.UPDATED}),
    ({"a": Secret("x")}, {"a": Secret("x")}, {}),
    ({"a": Secret({"k": "x"})}, {"a": Secret({"k": "y"})}, {"a.k": PropertyChange.UPDATED}),
    ({"a": 1}, {"a": UNKNOWN}, {"a": PropertyChange.UPDATED}),
    ({"web-1": 1}, {"web-1": 2}, {'["web-1"]': PropertyChange.UPDATED}),
]


@pytest.mark.parametrize(("old", "new", "expected"), CASES)
def test_differences(old: object, new: object, expected: dict[str, PropertyChange]) -> None:
    assert differences(old, new) == expected

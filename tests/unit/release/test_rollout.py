"""Order of nodes in a rollout."""

from __future__ import annotations

import pytest

from soop_components.release.rollout import waves

CASES = [
    ([], 1, 1, []),
    (["a", "b", "c"], 0, 3, [["a", "b", "c"]]),
    (["a", "b", "c", "d"], 1, 2, [["a"], ["b", "c"], ["d"]]),
    (["a", "b", "c"], 2, 5, [["a"], ["b"], ["c"]]),
    (["a"], 3, 1, [["a"]]),
]


@pytest.mark.parametrize(("names", "canaries", "max_in_flight", "expected"), CASES)
def test_waves(names: list[str], canaries: int, max_in_flight: int, expected: list[list[str]]) -> None:
    assert waves(names, canaries, max_in_flight) == expected

from __future__ import annotations

from itertools import combinations

import pytest

from soop_components.runner.versions import older

ASCENDING = [
    "0~", "0", "1.0~~", "1.0~rc1", "1.0~rc1+x", "1.0", "1.0-1", "1.0a", "1.0+b1", "1.0.", "2.2.2-3", "2.2.2-3+deb12u1",
    "2.2.2-3+deb12u9", "2.2.2-3+deb12u10", "9.0", "10.0", "1:0.5",
]  # fmt: skip
EQUAL = [("1.0", "1.0-0"), ("1.0", "1.00"), ("1.0-1", "0:1.0-1")]


@pytest.mark.parametrize(("left", "right"), list(combinations(ASCENDING, 2)))
def test_order_is_that_of_dpkg(left: str, right: str) -> None:
    assert older(left, right)
    assert not older(right, left)


@pytest.mark.parametrize(("left", "right"), EQUAL)
def test_equal_versions_are_not_older(left: str, right: str) -> None:
    assert not older(left, right)
    assert not older(right, left)

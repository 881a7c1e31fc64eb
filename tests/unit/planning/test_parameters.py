from __future__ import annotations

import time

import pytest

from soop_components.errors import InvalidInput
from soop_components.model.block import Block
from soop_components.planning import guard
from soop_components.planning.parameters import parameters

TEXTS = [f"{number}{'ab' * 2000}" for number in range(100)]


def given(pattern: str, texts: list[str]) -> dict[str, object]:
    parameter = {"type": "list", "items": "string", "pattern": pattern}
    block = Block.model_validate({"format": 1, "block": "own", "summary": "", "parameters": {"texts": parameter}})
    return parameters(block, {"texts": texts}, {}, "components.api")


def test_values_that_match() -> None:
    with guard.together():
        for _ in range(100):
            assert given("[0-9]+[ab]*", TEXTS[:20]) == {"texts": TEXTS[:20]}


def test_matching_does_not_take_minutes() -> None:
    began = time.perf_counter()
    with guard.together(), pytest.raises(InvalidInput) as raised:
        given("[0-9]+(?:(?:a|b)*?a){20000}c", TEXTS)
    assert (
        "components.api.with.texts[99]: the templates and patterns of this service do too much together"
        in raised.value.problems
    )
    assert time.perf_counter() - began < 20

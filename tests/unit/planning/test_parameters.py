from __future__ import annotations

import time

import pytest

from soop_components.errors import InvalidInput
from soop_components.model.block import Block
from soop_components.planning import limits
from soop_components.planning.parameters import parameters
from soop_components.planning.place import Place

TEXTS = [f"{number}{'ab' * 2000}" for number in range(100)]


def given(pattern: str, texts: list[str]) -> dict[str, object]:
    parameter = {"type": "list", "items": "string", "pattern": pattern}
    block = Block.model_validate({"format": 1, "block": "own", "summary": "", "parameters": {"texts": parameter}})
    return parameters(block, {"texts": texts}, {}, Place("file", ("components", "api")))


def test_values_that_match() -> None:
    with limits.per_service():
        for _ in range(100):
            assert given("[0-9]+[ab]*", TEXTS[:20]) == {"texts": TEXTS[:20]}


def test_matching_does_not_take_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SECONDS", 0.1)
    began = time.thread_time()
    with limits.per_service(), pytest.raises(InvalidInput) as raised:
        given("[0-9]+(?:(?:a|b)*?a){2000}[b-y]", TEXTS)
    assert (
        "file: components.api.with.texts[99]: the templates and patterns of this service do too much together"
        in raised.value.problems
    )
    assert time.thread_time() - began < 5


def test_a_text_that_would_take_minutes_alone_is_not_matched() -> None:
    with (
        limits.per_service(),
        pytest.raises(InvalidInput, match=r"texts\[0\]: the text is too long to be matched with"),
    ):
        given("[0-9]+(?:(?:a|b)*?a){20000}c", ["0" + "ab" * 20_000])

from __future__ import annotations

import time

import pytest
from pydantic import TypeAdapter, ValidationError

from soop_components.model.block import Block, Parameter
from soop_components.model.patterns import Pattern, match_cost, matches, size_problem

PATTERN: TypeAdapter[str] = TypeAdapter(Pattern)


@pytest.mark.parametrize(
    "pattern", ["", "a|b", "[)(]", r"\)", r"[\])]", "[]a)]+", r"\w{1,63}", "(?i)a", "(a{500}){500}", "é+"]
)
def test_regular_expressions(pattern: str) -> None:
    assert PATTERN.validate_python(pattern) == pattern


@pytest.mark.parametrize(
    "pattern", ["(", "*a", "{{ config.port }}", "(?=x)", r"(a)\1", "a)|(b", "(?x) a # b", "(" * 300]
)
def test_what_is_none(pattern: str) -> None:
    """Python's engine accepts some of these; the validator's does not."""
    with pytest.raises(ValidationError, match="expected a regular expression without look-around and back references"):
        PATTERN.validate_python(pattern)


def test_a_block_says_which_of_its_patterns_is_none() -> None:
    with pytest.raises(ValidationError, match="expected a regular expression"):
        Parameter.model_validate({"type": "string", "pattern": "{{ config.port }}"})


def test_a_match_is_of_the_whole_text() -> None:
    assert matches("a|b", "b")
    assert not matches("a|b", "ab")
    assert not matches("a", "a\n")


def test_patterns_are_not_too_large_together() -> None:
    """Each of them takes long to compile, however short it is."""
    large = [rf"\w{{{count}}}" for count in range(50, 300)]
    assert size_problem([*large[:8], None, *large[:8]]) is None
    began = time.thread_time()
    assert "the patterns are too large" in (size_problem(large) or "")
    for pattern in large:
        PATTERN.validate_python(pattern)
    assert time.thread_time() - began < 2
    parameters = {f"p{number}": {"type": "string", "pattern": pattern} for number, pattern in enumerate(large)}
    with pytest.raises(ValidationError, match="the patterns are too large"):
        Block.model_validate({"format": 1, "block": "own", "summary": "", "parameters": parameters})


def test_what_is_repeated_makes_a_match_cost_more() -> None:
    cheap = match_cost("[a-z_][a-z0-9_]{0,62}", "x" * 10)
    assert match_cost("a{5}", "x" * 10) == match_cost("a+", "x" * 10) == cheap
    assert match_cost("(?:(?:a|b)*?a){20000}c", "x" * 10) == match_cost("((a{100}){100,}){100}", "x" * 10) > 10 * cheap
    assert match_cost("a", "x" * 1000) == 100 * cheap

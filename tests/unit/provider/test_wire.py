"""Values survive the way to the engine and back."""

from __future__ import annotations

import pytest

from soop_components.provider.wire import UNKNOWN, decode, encode, has_unknown, reveal
from soop_components.secret import Secret

VALUES = [
    {"text": "a", "number": 3, "fraction": 1.5, "yes": True, "no": False, "nothing": None},
    {"list": [1, "two", [3.5], {}], "map": {"/etc/a b.conf": {"mode": "0644"}}, "empty": []},
    {"secret": Secret("s3cret"), "deep": {"list": [Secret({"a": 1})]}},
]


@pytest.mark.parametrize("value", VALUES)
def test_round_trip(value: dict[str, object]) -> None:
    assert decode(encode(value)) == value


def test_unknown_is_found_anywhere() -> None:
    value = decode(encode({"a": [{"b": UNKNOWN}]}))
    assert value["a"][0]["b"] is UNKNOWN
    assert has_unknown(value)
    assert has_unknown({"a": Secret(UNKNOWN)})
    assert not has_unknown({"a": Secret("known")})


def test_whole_numbers_are_integers() -> None:
    assert type(decode(encode({"port": 8080.0}))["port"]) is int


def test_a_secret_is_never_shown_but_can_be_revealed() -> None:
    secret = Secret("s3cret")
    assert "s3cret" not in f"{secret} {secret!r} { {'a': secret} }"
    assert reveal({"a": [secret, {"b": Secret(Secret("x"))}]}) == {"a": ["s3cret", {"b": "x"}]}

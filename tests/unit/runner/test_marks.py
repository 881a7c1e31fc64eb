from __future__ import annotations

import pytest

from soop_components.planning.encodings import ENCODINGS as FILTERS
from soop_components.planning.limits import per_template
from soop_components.planning.marks import secret_mark, unmarked
from soop_components.runner.failure import Failure
from soop_components.runner.marks import holds_secret, put_node, put_secrets

HOSTILE = [
    "plain",
    "it's",
    'a "quote"',
    "back\\slash",
    "$HOME `id`",
    "50% & more",
    "ü€",
    "two\nlines",
    "a b",
    "'; DROP TABLE x; --",
]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", sorted(FILTERS))
def test_a_secret_is_encoded_as_planning_would_have(name: str, value: str) -> None:
    with per_template():
        mark = unmarked(str(FILTERS[name](secret_mark("password"))))
        planned = FILTERS[name](value)
    assert put_secrets(mark, {"password": value}) == planned


def test_encodings_apply_from_left_to_right() -> None:
    assert put_secrets("@@soop-secret:p|url|sql@@", {"p": "it's"}) == "'it%27s'"


def test_text_around_marks_stays() -> None:
    assert put_secrets("a=@@soop-secret:one@@;b=@@soop-secret:two@@", {"one": "1", "two": "2"}) == "a=1;b=2"


def test_a_value_that_looks_like_a_mark_is_not_replaced_again() -> None:
    assert put_secrets("@@soop-secret:one@@", {"one": "@@soop-secret:two@@", "two": "2"}) == "@@soop-secret:two@@"


def test_a_missing_secret_is_named() -> None:
    with pytest.raises(Failure, match="needs the secret 'password'"):
        put_secrets("@@soop-secret:password@@", {})


def test_an_unknown_encoding_is_named() -> None:
    with pytest.raises(Failure, match="unknown encoding 'rot'"):
        put_secrets("@@soop-secret:p|rot@@", {"p": "x"})


def test_the_node_is_put_in_everywhere_and_secrets_are_left() -> None:
    value = {"/etc/@@soop-node:name@@": ["@@soop-node:role@@ @@soop-secret:p@@", 1, None]}
    assert put_node(value, {"name": "web-1", "role": "web"}) == {"/etc/web-1": ["web @@soop-secret:p@@", 1, None]}


def test_only_secret_marks_hold_secrets() -> None:
    assert holds_secret("x @@soop-secret:p|url@@")
    assert not holds_secret("@@soop-node:name@@")

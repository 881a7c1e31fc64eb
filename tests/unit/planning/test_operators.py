from __future__ import annotations

import pytest

from soop_components.errors import SoopError
from soop_components.planning.marks import secret_mark
from soop_components.planning.templates import evaluate
from tests.unit.planning.scope import FILE

SCOPE = {"list": [3, "a", [1]], "map": {"a": 1, "2": 2}, "secret": secret_mark("secret")}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 < 2 <= 2 != 3 == 3 >= 3 > 2", True),
        ("1 < 2 > 2", False),
        ("'a' < 'b'", True),
        ("[1, 2] < [1, 3]", True),
        ("1 == 'a'", False),
        ("none != 1", True),
        ("map == {'a': 1, '2': 2}", True),
        ("'a' in list and [1] in list and 4 not in list", True),
        ("'a' in map and 'b' not in map and 2 not in map", True),
        ("'b' in 'abc' and 'd' not in 'abc'", True),
        ("- 5 + 3", -2),
        ("-(2 - 3)", 1),
        ("+5", 5),
        ("3 is odd and 2 is even and 3 is not even", True),
    ],
)
def test_operators(text: str, value: object) -> None:
    assert evaluate(f"{{{{ {text} }}}}", SCOPE, FILE) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 < 'a'", "'<' not supported between instances of 'int' and 'str'"),
        ("none > 1", "'>' not supported between instances of 'NoneType' and 'int'"),
        ("map < map", "'<' not supported between instances of 'dict' and 'dict'"),
        ("1 in 1", "argument of type 'int' is not iterable"),
        ("1 in none", "argument of type 'NoneType' is not iterable"),
        ("1 in 'a'", "'in <string>' requires string as left operand, not int"),
        ("map in map", "unhashable type: 'dict'"),
        ("x in list", "'x' is not defined"),
        ("1 in x", "'x' is not defined"),
        ("1 < x", "'x' is not defined"),
        ("-list", "bad operand type for unary -: 'list'"),
        ("+'a'", "bad operand type for unary +: 'str'"),
        ("-x", "'x' is not defined"),
        ("list is odd", "odd takes numbers, not a list"),
        ("x is even", "'x' is not defined"),
        ("-secret", "bad operand type for unary -"),
        ("1 + list", "+ takes numbers, not a list"),
        ("true * 2", "* takes numbers, not a boolean"),
        ("secret in map", "looks inside a secret"),
        ("secret in 'abc'", "looks inside a secret"),
    ],
)
def test_operators_take_what_they_are_made_for(text: str, message: str) -> None:
    with pytest.raises(SoopError) as raised:
        evaluate(f"{{{{ {text} }}}}", SCOPE, FILE)
    assert raised.value.message.startswith(f"file: {message}")

"""Which domain a failed ``pulumi`` was for."""

from __future__ import annotations

import pytest

from soop_components.cli.recover import named_stack


@pytest.mark.parametrize(
    ("words", "stack"),
    [
        ("up --stack dev-a --yes", "dev-a"),
        ("up --stack=organization/project/dev-a", "dev-a"),
        ("-sdev-a preview", "dev-a"),
        ("up -s dev-a -d", "dev-a"),
        ("up --suppress-outputs -y", None),
        ("up -s", None),
        ("stack select dev-b", None),
    ],
)
def test_a_stack_is_named_or_the_selected_one(words: str, stack: str | None) -> None:
    assert named_stack(words.split()) == stack

"""What runners report, in words."""

from __future__ import annotations

import pytest

from soop_components.release.wording import changes_in_words
from soop_components.runner.vocabulary import Change

FILES = [Change("file", f"/etc/{name}", "write") for name in "abc"]
RESTART = Change("unit", "app.service", "restart")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (FILES[:1], "write file /etc/a"),
        ([*FILES[:2], RESTART], "restart unit app.service, write file /etc/a, write file /etc/b"),
        ([*FILES, RESTART], "restart unit app.service, write file /etc/a, write file /etc/b and 1 more"),
    ],
)
def test_some_changes_are_named_and_the_others_counted(changes: list[Change], words: str) -> None:
    assert changes_in_words(changes) == words

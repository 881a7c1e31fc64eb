"""Folders of a plan: what they were before is restored when the plan says nothing of them any more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.runner.node import ME, Node, document, file

FAILS = {"scripts": [{"name": "no", "content": "#!/bin/false\n", "when": "after_units"}]}
CLOSED = {"/srv/a": {"mode": "0700", **ME}}
FILE = {"/srv/a/b": file("x")}


def mode(node: Node) -> int:
    return node.path("/srv/a").stat().st_mode & 0o7777


@pytest.mark.parametrize("there", [None, 0o1777])
def test_a_mode_goes_with_the_version_that_gave_it(node: Node, there: int | None) -> None:
    if there:
        node.path("/srv/a").mkdir(parents=True)
        node.path("/srv/a").chmod(there)
    node.accept(document("1.0.0", site={"files": FILE}))
    before = mode(node)
    closed: dict[str, Any] = {"files": FILE, "directories": CLOSED}
    assert node.apply(document("2.0.0", site={**closed, **FAILS}))["rolled_back"]
    assert mode(node) == before == (there or 0o755)
    node.accept(document("2.0.0", site=closed))
    assert mode(node) == 0o700
    node.accept(document("1.0.0", site={"files": FILE}))
    assert mode(node) == before
    node.accept(document("2.0.0", site=closed))
    node.path("/srv/a").chmod(0o711)
    node.accept(document("1.0.0", site={"files": FILE}))
    assert mode(node) == 0o711, "somebody else has changed it since"


def test_no_folder_stays_above_a_path_at_which_nothing_may_be(node: Node) -> None:
    node.accept(document("1.0.0", site={"files": FILE}))
    node.accept(document("2.0.0", site={"absent": ["/srv/a/b"]}))
    assert not node.path("/srv").exists()


def test_a_path_at_which_nothing_may_be_needs_no_folder(node: Node) -> None:
    node.path("/srv").mkdir()
    node.path("/srv/a").write_text("theirs")
    node.accept(document("1.0.0", site={"absent": ["/srv/a/b"]}))
    assert node.apply(document("2.0.0", site={"files": {"/srv/a": file("x")}, **FAILS}))["rolled_back"]
    assert node.text("/srv/a") == "theirs"

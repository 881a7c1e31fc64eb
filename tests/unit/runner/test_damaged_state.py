"""What a node knows is damaged: it is said, the next deployment mends it, and nothing fails for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.runner.node import Node, document, file

STATE = ("ledger.json", "accepted.json", "running.json", "intended.json")
DAMAGES = ["", "{", "\0" * 40, "[]", "null", "7", '"x"', "[" * 10**5]
ODD: list[dict[str, Any]] = [
    {"format": 2},
    {"files": []},
    {"files": {"/etc/a": []}},
    {"files": {"/etc/a": [1, 2, 3, 4, 5, 6]}},
    {"files": {"/etc/a": {"text": "x"}}},
    {"links": {"/etc/b": 1}},
    {"absent": [{}]},
    {"changing": "x"},
    {"units": {"a.service": [True, True, None]}},
    {"unfinished": "yes"},
    {"installing": 1},
    {"installing": []},
    {"installing": {"boot": "x"}},
    {"directories": {"/etc/d": [True, "rwx", "root", "root"]}},
]


def mended(node: Node, name: str) -> None:
    """See that the loss is reported, and that the same version, deployed again, mends it."""
    same = document(site={"files": {"/etc/site": file("one")}})
    losses = [drift for drift in node.status().drift if drift.kind == "error"]
    assert [drift.subject for drift in losses] == [name]
    assert "is damaged" in losses[0].detail
    assert node.pending(same)
    node.accept(same)
    assert node.status().drift == ()
    assert node.status().accepted
    assert node.pending(same) == []


@pytest.fixture
def served(node: Node) -> Node:
    """A node that has accepted a version."""
    node.accept(document(site={"files": {"/etc/site": file("one")}}))
    return node


@pytest.mark.parametrize("name", STATE)
@pytest.mark.parametrize("damage", [*DAMAGES, '{"format": 9}', '{"plan_digest": []}'], ids=range(10))
def test_a_damaged_file_is_reported_and_mended(served: Node, name: str, damage: str) -> None:
    path: Path = served.path(f"/var/lib/soop/{name}")
    if name == "ledger.json" and "digest" in damage:
        damage = '{"files": 1}'
    path.write_text(damage)
    mended(served, name)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_a_ledger_of_another_form_is_damaged(served: Node, odd: dict[str, Any]) -> None:
    path = served.path("/var/lib/soop/ledger.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **odd}))
    mended(served, "ledger.json")


def test_what_only_the_lost_ledger_knew_to_be_ours_is_removed_by_the_next_version(served: Node) -> None:
    served.path("/var/lib/soop/ledger.json").write_text("")
    served.accept(document("3.2.4", site={"files": {"/etc/other": file("two")}}))
    assert not served.path("/etc/site").exists()
    assert served.text("/etc/other") == "two"
    assert served.status().drift == ()


def test_all_of_it_may_be_damaged(served: Node) -> None:
    for name in STATE:
        served.path(f"/var/lib/soop/{name}").write_text("")
    assert {drift.subject for drift in served.status().drift if drift.kind == "error"} == {*STATE}
    served.accept(document(site={"files": {"/etc/site": file("one")}}))
    assert served.status().drift == ()

"""Files, links and folders that take each other's place: what is ours goes, what is not is refused before a change."""

from __future__ import annotations

import os
from typing import Any

import pytest

from soop_components.runner.failure import Failure
from soop_components.runner.touched import Touched
from tests.unit.runner.node import ME, Node, document, file, script

X = "/opt/x"
KINDS: dict[str, dict[str, Any]] = {
    "file": {"files": {X: file("x")}},
    "link": {"links": {X: {"target": "elsewhere"}}},
    "absent": {"absent": [X]},
    "folder": {"directories": {X: ME}},
    "tree": {"files": {f"{X}/a": file("a"), f"{X}/deep/er/b": file("b")}, "links": {f"{X}/l": {"target": "a"}}},
    "folders": {"directories": {X: ME, f"{X}/sub": ME}, "files": {f"{X}/sub/a": file("a")}},
    "nothing": {},
}
FAILS = {"scripts": [script("no", "exit 1")]}
PAIRS = [(before, after) for before in KINDS for after in KINDS if before != after]


@pytest.mark.parametrize(("before", "after"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_each_kind_of_thing_of_ours_may_take_the_place_of_each_other(node: Node, before: str, after: str) -> None:
    first, second = document(web=KINDS[before]), document("3.2.4", web=KINDS[after])
    node.accept(first)
    failed = node.apply(document("3.2.5", web={**KINDS[after], **FAILS}))
    assert failed["rolled_back"] is True, failed
    assert (node.drift(), node.pending(first)) == ([], [])
    node.accept(second)
    assert (node.drift(), node.pending(second)) == ([], [])
    fresh = Node(node.root.parent / "fresh")
    fresh.accept(second)
    assert _tree(node) == _tree(fresh)


def _tree(node: Node) -> list[str]:
    return sorted(str(path.relative_to(node.root)) for path in node.path("/opt").rglob("*"))


@pytest.mark.parametrize("before", ["tree", "folder", "nothing"])
@pytest.mark.parametrize("after", ["file", "link", "absent"])
def test_a_folder_with_what_is_not_ours_is_refused_before_anything_changes(node: Node, before: str, after: str) -> None:
    first = document(web={**KINDS[before], "units": {"app.service": {}}})
    node.accept(first)
    node.path(f"{X}/cache").mkdir(parents=True)
    node.path(f"{X}/cache/theirs").write_text("data")
    files = {"/etc/new": file("new"), **KINDS[after].get("files", {})}
    second = document("3.2.4", web={**KINDS[after], "files": files})
    with pytest.raises(Failure, match=f"{X} is a folder.*move it away by hand"):
        node.pending(second)
    event = node.apply(second)
    assert (event["step"], event["rolled_back"]) == ("plan", True)
    assert before == "nothing" or f"which holds {X}/cache" in event["message"]
    assert not node.path("/etc/new").exists()
    assert node.text(f"{X}/cache/theirs") == "data"
    assert node.drift() == []


@pytest.mark.parametrize("after", ["folder", "tree"])
def test_a_file_that_was_there_before_us_is_no_folder(node: Node, after: str) -> None:
    node.path("/opt").mkdir()
    node.path(X).write_text("theirs")
    assert f"{X} is no folder, was there before soop" in node.apply(document(web=KINDS[after]))["message"]
    node.accept(document(web=KINDS["file"]))
    assert f"{X} is no folder, was there before soop" in node.apply(document(web=KINDS[after]))["message"]
    node.accept(document(web={}))
    assert node.text(X) == "theirs"


@pytest.mark.parametrize("before", ["file", "link", "absent"])
def test_a_rollback_moves_aside_what_a_failed_version_let_others_write(node: Node, before: str) -> None:
    first = document(web=KINDS[before])
    node.accept(first)
    writes = {"scripts": [script("writes", f"echo data > {node.path(X)}/theirs; exit 1")]}
    for name in (f"{X}.not-soop", f"{X}.not-soop-2"):
        assert node.apply(document("3.2.4", web={**KINDS["tree"], **writes}))["rolled_back"] is True
        assert (node.drift(), node.pending(first)) == ([], [])
        assert node.text(f"{name}/theirs") == "data\n"
    assert any("it is now x.not-soop-2" in said for said in node.said)
    node.accept(document("3.2.5", web=KINDS["nothing"]))
    assert sorted(os.listdir(node.path("/opt"))) == ["x.not-soop", "x.not-soop-2"]


def test_a_rollback_moves_aside_a_file_where_its_folder_was(node: Node) -> None:
    first = document(web=KINDS["tree"])
    node.accept(first)
    writes = {"scripts": [script("writes", f"rm -r {node.path(X)}; echo data > {node.path(X)}; exit 1")]}
    assert node.apply(document("3.2.4", web=writes))["rolled_back"] is True
    assert node.drift() == []
    assert node.text(f"{X}.not-soop") == "data\n"


def test_what_a_killed_write_left_is_not_taken_for_a_strangers(node: Node) -> None:
    node.accept(document(web=KINDS["tree"]))
    host = node.host
    ledger = host.ledger()
    ledger.changing.add(Touched("path", f"{X}/a"))
    host.store("ledger.json", ledger.to_json())
    from soop_components.runner.places import _temporary

    node.path(f"{X}/{_temporary('a')}").write_text("half")
    node.accept(document("3.2.4", web=KINDS["file"]))
    assert node.text(X) == "x"

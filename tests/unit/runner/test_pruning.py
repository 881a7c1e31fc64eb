"""What lies in /var/lib/soop stays bounded, however many versions come, good ones and bad ones."""

from __future__ import annotations

import os
from typing import Any

import pytest

from soop_components.runner import packages_log
from soop_components.runner.commands import Completed
from tests.unit.runner.node import Node, document, file, script, sha256, tar

SIZE = 100_000


def blob(number: int) -> bytes:
    return tar({"text": b"%d" % number * SIZE})


def version(number: int, *scripts: object) -> dict[str, Any]:
    files = {f"/etc/app/{number}": file(None, source="text", digest=sha256(b"%d" % number * SIZE))}
    return document(f"{number}.0.0", web={"blob": sha256(blob(number)), "files": files, "scripts": list(scripts)})


def blobs(node: Node) -> set[str]:
    return {f"sha256:{name}" for name in os.listdir(node.path("/var/lib/soop/blobs/sha256"))}


def size(node: Node) -> int:
    """Return how many bytes of ours there are besides blobs."""
    kept = [path for path in node.path("/var/lib/soop").rglob("*") if path.is_file() and "blobs" not in path.parts]
    return sum(path.stat().st_size for path in kept)


def test_many_good_versions_leave_the_blobs_of_two(node: Node) -> None:
    sizes = []
    for number in range(10, 40):
        node.receive(blob(number))
        node.accept(version(number), last_good=version(number - 1)["plan_digest"])
        sizes.append(size(node))
    assert blobs(node) == {sha256(blob(38)), sha256(blob(39))}
    assert max(sizes[2:]) - min(sizes[2:]) < 1000
    assert os.listdir(node.path("/etc/app")) == ["39"]


def test_many_bad_versions_leave_the_blobs_of_two_and_of_the_last_attempt(node: Node) -> None:
    for number in (10, 11):
        node.receive(blob(number))
        node.accept(version(number))
    for number in range(12, 30):
        node.receive(blob(number))
        assert node.apply(version(number, script("check", "exit 3")))["rolled_back"] is True
        assert blobs(node) == {sha256(blob(10)), sha256(blob(11)), sha256(blob(number))}
    node.accept(version(11))
    assert blobs(node) == {sha256(blob(10)), sha256(blob(11))}
    assert os.listdir(node.path("/etc/app")) == ["11"]


def test_runners_of_others_go_with_the_first_change(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = node.path("/var/lib/soop/runner")
    for name in ("mine", "older", ".new.killed"):
        (folder / name).mkdir(parents=True)
    monkeypatch.setattr("sys.argv", [str(folder / "mine"), "serve"])
    node.apply(document("1.0.0", web={"files": {"/etc/app": file("1")}}))
    assert os.listdir(folder) == ["mine"]


def test_what_packages_say_is_kept_to_a_size(node: Node) -> None:
    node.host.prepare()
    for number in range(30):
        packages_log.append(node.host, Completed(f"dpkg {number}", 0, "x" * 100_000, ""))
    text = node.text(packages_log.PATH)
    assert len(text) <= 1 << 20
    assert "dpkg 29" in text

from __future__ import annotations

import io
import os

import pytest

from soop_components.runner.blobs import Blobs
from soop_components.runner.failure import Failure
from tests.unit.runner.node import Node, sha256, stream, tar


def test_blobs_are_received_and_found_by_digest(node: Node) -> None:
    blobs = Blobs(node.host)
    blobs.receive(io.BytesIO(stream(b"one", b"", b"two" * 1000)))
    assert blobs.missing([sha256(b"one"), sha256(b"three")]) == [sha256(b"three")]
    with open(blobs.checked(sha256(b"two" * 1000)), "rb") as file:
        assert file.read() == b"two" * 1000


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (stream(b"one")[:-1], "ended 1 bytes early"),
        (stream(b"one").replace(b"one", b"eno"), "arrived damaged"),
        (b"what is this\n", "not a stream of blobs"),
        (b"sha256:../../etc/passwd 3\none", "not a stream of blobs"),
        (b"x" * 10_000, "not a stream of blobs"),
    ],
)
def test_what_is_not_a_blob_is_not_kept(node: Node, sent: bytes, message: str) -> None:
    with pytest.raises(Failure, match=message):
        Blobs(node.host).receive(io.BytesIO(sent))
    assert os.listdir(node.path("/var/lib/soop/blobs/sha256")) == []


def test_a_blob_damaged_on_the_node_is_removed_to_be_sent_again(node: Node) -> None:
    node.receive(b"one")
    path = node.path(f"/var/lib/soop/blobs/sha256/{sha256(b'one').removeprefix('sha256:')}")
    path.write_bytes(b"0ne")
    with pytest.raises(Failure, match="was damaged on this node"):
        Blobs(node.host).checked(sha256(b"one"))
    assert Blobs(node.host).missing([sha256(b"one")]) == [sha256(b"one")]


def test_members_are_checked_one_by_one(node: Node) -> None:
    blob = tar({"app/main.py": b"main", "app/lib.py": b"lib"})
    node.receive(blob)
    blobs = Blobs(node.host)
    assert list(blobs.member(sha256(blob), "app/lib.py", sha256(b"lib"))) == [b"lib"]
    with pytest.raises(Failure, match="not the file that the plan means"):
        list(blobs.member(sha256(blob), "app/lib.py", sha256(b"main")))
    with pytest.raises(Failure, match=r"other.py is not a file in blob"):
        list(blobs.member(sha256(blob), "other.py", sha256(b"main")))


def test_only_what_is_needed_stays(node: Node) -> None:
    node.receive(b"one", b"two")
    node.path("/var/lib/soop/blobs/sha256/abc.123.new").write_text("an interrupted transfer")
    Blobs(node.host).prune([sha256(b"two")])
    assert os.listdir(node.path("/var/lib/soop/blobs/sha256")) == [sha256(b"two").removeprefix("sha256:")]

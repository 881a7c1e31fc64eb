"""Two documents are kept; which of them is the last good one, the deployer's state says."""

from __future__ import annotations

import os
from typing import Any

import pytest

from soop_components.runner import accept as accepting
from soop_components.runner.host import Host
from soop_components.runner.node_status import inspect
from soop_components.runner.protocol import Accept, Inspect
from tests.unit.runner.node import Node, document, file, script, sha256, tar


def version(number: str, *scripts: object) -> dict[str, Any]:
    files = {"/etc/app": file(None, source="text", digest=sha256(number.encode()))}
    return document(f"{number}.0.0", web={"blob": sha256(blob(number)), "files": files, "scripts": list(scripts)})


def blob(number: str) -> bytes:
    return tar({"text": number.encode()})


ONE, TWO, THREE = version("1"), version("2"), version("3")
BROKEN = version("3", script("check", "exit 3"))
STATE = ONE["plan_digest"]
"""What the state of a deployer names that was killed before it could save version 2."""


@pytest.fixture
def node(node: Node) -> Node:
    """A node that has accepted version 1, then version 2; the blob of version 3 is there."""
    node.receive(blob("1"))
    node.accept(ONE)
    node.receive(blob("2"))
    node.accept(TWO, last_good=STATE)
    node.receive(blob("3"))
    return node


def last_good(node: Node, state: str | None) -> tuple[str, str]:
    """Return what runs and what a rollback leads to."""
    found = inspect(node.host, Inspect(THREE, {}, (), state), node.events)
    assert found.running is not None
    assert found.last_good is not None
    return found.running.version, found.last_good.version


def blobs(node: Node) -> set[str]:
    return {f"sha256:{name}" for name in os.listdir(node.path("/var/lib/soop/blobs/sha256"))}


def test_the_state_decides_what_a_rollback_leads_to(node: Node) -> None:
    assert last_good(node, STATE) == ("2.0.0", "1.0.0")
    assert last_good(node, TWO["plan_digest"]) == ("2.0.0", "2.0.0")
    assert last_good(node, None) == last_good(node, "sha256:unknown") == ("2.0.0", "2.0.0")


def test_it_is_good_since_it_was_accepted_or_rolled_back_to_last(node: Node) -> None:
    path, day = node.path("/var/lib/soop/accepted.json"), 86400

    def since(state: str) -> int:
        return inspect(node.host, Inspect(THREE, {}, (), state), node.events).good_since

    assert since(STATE) == 0, "the state names the one before"
    os.utime(path, (day, day))
    assert since(TWO["plan_digest"]) == day
    node.accept(TWO)
    assert since(TWO["plan_digest"]) > day
    os.utime(path, (day, day))
    node.receive(blob("3"))
    node.apply(BROKEN, last_good=TWO["plan_digest"])
    assert since(TWO["plan_digest"]) > day


def test_what_a_killed_program_left_goes_with_an_acceptance_at_last(node: Node) -> None:
    secret = node.path("/var/lib/soop/scripts/killed/.secrets/password")
    secret.parent.mkdir(parents=True)
    secret.write_text("s3cret")
    accepting.accept(node.host, Accept(TWO["plan_digest"]))
    assert not secret.exists()


def test_a_failed_apply_is_rolled_back_to_it(node: Node) -> None:
    event = node.apply(BROKEN, last_good=STATE)
    assert (event["event"], event["rolled_back"]) == ("failure", True)
    assert node.text("/etc/app") == "1"
    assert node.status().accepted
    assert last_good(node, None) == ("1.0.0", "1.0.0")


def test_a_rollback_undoes_an_acceptance(node: Node) -> None:
    assert node.roll_back(last_good=STATE)["event"] == "result"
    assert node.text("/etc/app") == "1"
    found = node.status()
    assert (found.accepted, found.drift) == (True, ())
    node.accept(TWO, last_good=STATE)
    assert last_good(node, STATE) == ("2.0.0", "1.0.0")


def test_what_fails_before_the_first_change_leaves_what_is_not_the_last_good_version(node: Node) -> None:
    missing = document("4.0.0", web={"blob": "sha256:" + "4" * 64})
    assert node.apply(missing, last_good=STATE)["rolled_back"] is False
    assert node.apply(missing, last_good=TWO["plan_digest"])["rolled_back"] is True


def test_the_version_that_the_state_names_is_kept_whatever_is_accepted(node: Node) -> None:
    node.accept(THREE, last_good=STATE)
    assert last_good(node, STATE) == ("3.0.0", "1.0.0")
    assert blobs(node) == {sha256(blob("1")), sha256(blob("3"))}
    assert node.roll_back(last_good=STATE)["event"] == "result"
    assert node.text("/etc/app") == "1"


def test_blobs_of_the_version_before_the_last_good_one_go(node: Node) -> None:
    assert blobs(node) == {sha256(blob(number)) for number in "123"}
    node.accept(THREE, last_good=TWO["plan_digest"])
    assert blobs(node) == {sha256(blob("2")), sha256(blob("3"))}
    node.accept(THREE, last_good=THREE["plan_digest"])
    assert blobs(node) == {sha256(blob("2")), sha256(blob("3"))}


@pytest.mark.parametrize("stored", [0, 1, 2])
def test_an_acceptance_that_is_killed_changes_nothing_for_the_state(
    node: Node, monkeypatch: pytest.MonkeyPatch, stored: int
) -> None:
    class Killed(BaseException):
        pass

    left, real = [stored], Host.store

    def store(host: Host, name: str, value: Any) -> None:
        if not left[0]:
            raise Killed
        left[0] -= 1
        real(host, name, value)

    assert node.apply(THREE, last_good=TWO["plan_digest"])["event"] == "result"
    with monkeypatch.context() as patch:
        patch.setattr(Host, "store", store)
        patch.setattr(accepting, "prune", lambda *_: store(node.host, "", {}))
        with pytest.raises(Killed):
            accepting.accept(node.host, Accept(THREE["plan_digest"], (), TWO["plan_digest"]))
    assert last_good(node, TWO["plan_digest"]) == ("3.0.0", "2.0.0")
    assert node.roll_back(last_good=TWO["plan_digest"])["event"] == "result"
    assert node.text("/etc/app") == "2"
    assert node.status().accepted

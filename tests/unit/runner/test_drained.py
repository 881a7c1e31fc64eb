"""A drained node says so until it is undrained or a version is accepted on it, whoever was killed meanwhile."""

from __future__ import annotations

import pytest

from soop_components.runner import scripts, verbs
from soop_components.runner.commands import Completed
from soop_components.runner.protocol import Script, ScriptEnded
from tests.unit.runner.node import Node, document, file, sha256, tar

BLOB = tar({"hook": b"#!/bin/sh"})
ONE, TWO = (document(number, web={"files": {"/etc/app": file(number)}}) for number in ("1.0.0", "2.0.0"))
DRIFT = ["hook undrain: has not run since the node was drained"]


@pytest.fixture
def node(node: Node) -> Node:
    """A node that has accepted version 1."""
    node.accept(ONE)
    node.receive(BLOB)
    return node


def run(node: Node, monkeypatch: pytest.MonkeyPatch, drains: bool | None, exit_code: int = 0) -> None:
    done = Completed("hook", exit_code, "", "")
    monkeypatch.setattr(scripts, "run_program", lambda *_: done)
    request = Script(sha256(BLOB), "hook", {}, 10, drains=drains)
    assert verbs._carry_out(node.host, request, node.events) == ScriptEnded(exit_code, "", "")


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_drained_node_is_drift_and_to_be_repaired(
    node: Node, monkeypatch: pytest.MonkeyPatch, exit_code: int
) -> None:
    """Also where the hook has failed: nobody knows how far it came."""
    run(node, monkeypatch, True, exit_code)
    assert node.drift() == DRIFT
    assert node.status().healthy
    assert node.pending(ONE) == ["run hook undrain"]


def test_it_is_until_it_was_undrained(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    run(node, monkeypatch, True)
    run(node, monkeypatch, False, 1)
    assert node.drift() == DRIFT
    run(node, monkeypatch, None)
    assert node.drift() == DRIFT
    run(node, monkeypatch, False)
    assert node.drift() == []
    assert node.pending(ONE) == []


def test_a_rollback_of_the_node_alone_does_not_undrain_it(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    run(node, monkeypatch, True)
    node.apply(TWO)
    node.roll_back()
    assert node.drift() == DRIFT


def test_what_is_accepted_serves(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The version may have no hook that undrains."""
    run(node, monkeypatch, True)
    node.accept(ONE)
    assert node.drift() == []

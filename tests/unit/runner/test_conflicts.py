"""What others have on an existing host that a first version cannot be beside, told before anything is changed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from soop_components.runner.failure import Failure
from tests.unit.runner.node import Node, document, file

_HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
_SOCKET = "   0: 00000000:1F90 00000000:0000 {state} 00000000:00000000 00:00000000 00000000     0        0 4321 1 0 0\n"
WEB: dict[str, Any] = {"files": {"/etc/app": file("x")}, "http_health": {"path": "/health", "port": 8080}}


@pytest.fixture
def node(tmp_path: Path) -> Node:
    """An existing host on which nginx, which is not ours, listens on port 8080."""
    made = Node(tmp_path)
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "proc/77/fd").mkdir(parents=True)
    (tmp_path / "proc/77/fd/3").symlink_to("socket:[4321]")
    (tmp_path / "proc/77/comm").write_text("nginx\n")
    (tmp_path / "var/lib/soop").mkdir()
    (tmp_path / "var/lib/soop/claim.json").write_text("{}")
    listens(made, "0A")
    return made


def listens(node: Node, state: str) -> None:
    node.path("/proc/net/tcp").write_text(_HEADER + _SOCKET.format(state=state))


def test_a_port_that_somebody_else_uses_is_named_with_who_it_is(node: Node) -> None:
    with pytest.raises(Failure) as caught:
        node.inspected(document(api=WEB))
    assert caught.value.failed.message == (
        "port 8080 is in use by nginx (process 77), which soop did not start; end it, or give api another port"
    )


def test_a_connection_from_that_port_is_no_conflict(node: Node) -> None:
    listens(node, "01")
    assert node.inspected(document(api=WEB)).changes


def test_another_port_is_no_conflict(node: Node) -> None:
    assert node.inspected(document(api={**WEB, "http_health": {"path": "/", "port": 8081}})).changes


def test_what_listens_once_something_of_ours_is_there_may_be_ours(node: Node) -> None:
    node.accept(document(api={"files": {"/etc/app": file("x")}}))
    assert node.inspected(document("3.2.4", api=WEB)).changes


def test_a_machine_that_was_made_for_soop_has_nobody_else(node: Node) -> None:
    node.path("/var/lib/soop/claim.json").unlink()
    assert node.inspected(document(api=WEB)).changes

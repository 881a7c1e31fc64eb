from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.runner import unit_watch
from tests.unit.runner.app import app
from tests.unit.runner.node import Node, file


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr(unit_watch, "_SETTLE", 0.0)
    monkeypatch.setattr(unit_watch, "_WATCH", 0.0)
    return Node(tmp_path / "root")


@pytest.fixture
def running(node: Node) -> Node:
    node.accept(
        app({"restart_on": ["/opt/app"], "reload_on": ["/etc/app"]}, {"/opt/app/x": file("1"), "/etc/app/y": file("1")})
    )
    return node

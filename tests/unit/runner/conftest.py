from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.runner import unit_watch
from tests.unit.runner.node import Node


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr(unit_watch, "_SETTLE", 0.0)
    monkeypatch.setattr(unit_watch, "_WATCH", 0.0)
    return Node(tmp_path / "root")

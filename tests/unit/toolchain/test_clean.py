"""What `make clean` finds to remove."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bootstrap import clean
from bootstrap.checkout import Checkout


@pytest.fixture
def networks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "networks.json"
    monkeypatch.setattr(clean, "NETWORKS", file)
    return file


def test_machines_are_found_by_their_folders(tmp_path: Path, networks: Path) -> None:
    for folder in ("machines/0000000a", "disks/0000000a", "disks/0000000b"):
        (tmp_path / ".soop" / folder).mkdir(parents=True)
    assert clean.machines_of(Checkout(tmp_path)) == ["0000000a", "0000000b"]


def test_machines_whose_folders_were_removed_by_hand_are_found_by_their_network(tmp_path: Path, networks: Path) -> None:
    ours = {"realm": "0000000a", "home": str(tmp_path.resolve() / ".soop"), "environment": "dev", "ready": True}
    networks.write_text(json.dumps({"1": ours, "2": {**ours, "realm": "0000000b", "home": "/elsewhere/.soop"}}))
    assert clean.machines_of(Checkout(tmp_path)) == ["0000000a"]


def test_a_checkout_that_made_nothing_has_no_machines(tmp_path: Path, networks: Path) -> None:
    assert clean.machines_of(Checkout(tmp_path)) == []

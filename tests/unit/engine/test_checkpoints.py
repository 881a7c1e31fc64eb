from __future__ import annotations

import json
from pathlib import Path

import pytest

from soop_components.engine.checkpoints import Checkpoints

WHOLE = json.dumps({"version": 3, "checkpoint": {"stack": "dev-a", "latest": None}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A state with two stacks."""
    stacks = tmp_path / ".pulumi" / "stacks" / "p"
    history = tmp_path / ".pulumi" / "history" / "p" / "dev-a"
    for made in (stacks, history):
        made.mkdir(parents=True)
    for name in ("dev-a.json", "dev-a.json.bak", "dev-b.json"):
        (stacks / name).write_text(WHOLE)
    for number in (1, 2):
        (history / f"dev-a-179581778738154175{number}.checkpoint.json").write_text(WHOLE + " " * number)
    return stacks


def test_inputs_of_resources_are_found_by_their_type(folder: Path, tmp_path: Path) -> None:
    resources = [{"type": "a:b:C", "inputs": {"x": 1}}, {"type": "a:b:D", "inputs": {"x": 2}}, {"type": "a:b:C"}]
    (folder / "dev-b.json").write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    checkpoints = Checkpoints(tmp_path, "p")
    assert checkpoints.inputs("dev-b", "a:b:C") == [{"x": 1}, {}]
    assert checkpoints.inputs("dev-a", "a:b:C") == checkpoints.inputs("dev-c", "a:b:C") == []
    (folder / "dev-b.json").write_text("{")
    assert checkpoints.inputs("dev-b", "a:b:C") == []


@pytest.mark.parametrize("damage", ["", WHOLE[:-1], "[]", "null", "{}", '{"version": 3}', "[" * 10**5, "\0" * 100])
def test_what_is_no_checkpoint_is_damaged_and_restored(folder: Path, tmp_path: Path, damage: str) -> None:
    checkpoints = Checkpoints(tmp_path, "p")
    (folder / "dev-a.json").write_text(damage)
    assert checkpoints.stacks() == ("dev-a", "dev-b")
    assert checkpoints.damaged("dev-a") == folder / "dev-a.json"
    assert checkpoints.damaged("dev-b") is None
    assert checkpoints.damaged("dev-c") is None
    assert checkpoints.restore("dev-a") == folder / "dev-a.json.bak"
    assert checkpoints.damaged("dev-a") is None
    assert (folder / "dev-a.json.damaged").read_text() == damage
    assert checkpoints.stacks() == ("dev-a", "dev-b")


def test_the_newest_copy_that_is_whole_is_taken(folder: Path, tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "p")
    (folder / "dev-a.json").write_text("")
    (folder / "dev-a.json.bak").write_text("")
    copy = checkpoints.restore("dev-a")
    assert copy is not None
    assert copy.name == "dev-a-1795817787381541752.checkpoint.json"
    assert (folder / "dev-a.json").read_text() == WHOLE + "  "


def test_without_a_copy_nothing_is_touched(folder: Path, tmp_path: Path) -> None:
    (folder / "dev-b.json").write_text("x")
    assert Checkpoints(tmp_path, "p").restore("dev-b") is None
    assert (folder / "dev-b.json").read_text() == "x"

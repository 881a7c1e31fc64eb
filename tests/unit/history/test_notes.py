"""What is noted of runs beside the state."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from soop_components.history.notes import Note, Notes, Outcome, who


@pytest.fixture
def notes(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "state", "shop", "dev-one")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state/notes/shop/dev-one.jsonl"


def test_what_is_noted_is_read_again_with_who_and_when(notes: Notes, path: Path) -> None:
    notes.add(Note("dev-one", Outcome.BEGUN), {"GITHUB_ACTOR": "ann"})
    notes.add(Note("shop", Outcome.ROLLED_BACK, "2.0.0", "1.0.0", "sha256:1", "does not start\n  | ü\x1b[31m"), {})
    begun, rolled_back = notes.read()
    assert begun.outcome is Outcome.BEGUN
    assert begun.who.startswith("ann@")
    assert begun.time <= rolled_back.time
    assert rolled_back.reason == "does not start\n  | ü\\x1b[31m"
    assert (rolled_back.version, rolled_back.before, rolled_back.digest) == ("2.0.0", "1.0.0", "sha256:1")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_was_noted(notes: Notes) -> None:
    assert notes.read() == ()
    notes.remove()


def test_a_line_that_was_cut_off_hides_no_other(notes: Notes, path: Path) -> None:
    notes.add(Note("a", Outcome.ACCEPTED))
    path.write_bytes(path.read_bytes() + b'{"subject": "b", "outc\n[]\n{"subject": "b", "outcome": "other"}\n')
    notes.add(Note("c", Outcome.ACCEPTED))
    assert [note.subject for note in notes.read()] == ["a", "c"]


def test_reasons_and_the_file_have_bounds(notes: Notes, path: Path) -> None:
    for number in range(300):
        notes.add(Note(f"service-{number}", Outcome.FAILED, reason=f"begin{'x' * 8000}end"))
        assert path.stat().st_size <= 263 << 10
    kept = notes.read()
    assert len(kept[0].reason or "") == 6003
    assert (kept[0].reason or "")[:5] == "begin"
    assert (kept[0].reason or "")[-3:] == "end"
    assert kept[-1].subject == "service-299"
    assert len(kept) > 20
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_cannot_be_written_stops_nothing(notes: Notes, tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    notes.add(Note("a", Outcome.ACCEPTED))


def test_forgotten_with_the_stack(notes: Notes, path: Path) -> None:
    notes.add(Note("a", Outcome.ACCEPTED))
    assert json.loads(path.read_text())["subject"] == "a"
    notes.remove()
    assert notes.read() == ()


def test_the_user_of_this_computer_where_nobody_else_is_named() -> None:
    user, _, host = who({}).partition("@")
    assert user
    assert host
    assert who({"SUDO_USER": "bea"}) == f"bea@{host}"

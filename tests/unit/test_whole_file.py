"""A file is replaced as a whole, or stays as it was."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from soop_components.whole_file import write_whole


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_gets_the_mode_and_one_that_is_replaced_keeps_its_own(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_whole(path, b"first", 0o600)
    assert (path.read_bytes(), mode_of(path)) == (b"first", 0o600)
    path.chmod(0o640)
    write_whole(path, b"second")
    assert (path.read_bytes(), mode_of(path)) == (b"second", 0o640)
    assert os.listdir(tmp_path) == ["file"]


def test_new_content_is_never_open_to_more_people_than_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_whole(path, b"first", 0o600)
    seen: list[tuple[int, int]] = []

    def synced(descriptor: int) -> None:
        found = os.fstat(descriptor)
        seen.append((found.st_size, stat.S_IMODE(found.st_mode)))

    monkeypatch.setattr(os, "fsync", synced)
    write_whole(path, b"second")
    assert seen == [(len(b"second"), 0o600)], "before it has its name"


def test_what_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_whole(tmp_path / "folder", b"text")
    assert os.listdir(tmp_path) == ["folder"]

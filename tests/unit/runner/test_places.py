from __future__ import annotations

import os
from pathlib import Path

import pytest

from soop_components.runner import places as module
from soop_components.runner.places import Places

ME = (os.geteuid(), os.getegid())


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    return tmp_path


@pytest.fixture
def places(root: Path) -> Places:
    return Places(str(root))


def test_a_file_is_written_with_its_mode_and_missing_folders_are_made(places: Places, root: Path) -> None:
    made: list[str] = []
    places.write("/opt/app/x", b"hello", 0o640, *ME, made.append)
    assert (root / "opt/app/x").read_bytes() == b"hello"
    assert (root / "opt/app/x").stat().st_mode & 0o7777 == 0o640
    assert (root / "opt/app").stat().st_mode & 0o7777 == 0o755
    assert made == ["/opt", "/opt/app"]
    assert os.listdir(root / "opt/app") == ["x"]


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(
    places: Places, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places.write("/etc/x", b"old", 0o644, *ME)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", ".soop-123")

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(OSError, match="No space left") as raised:
        places.write("/etc/x", b"new", 0o644, *ME)
    assert raised.value.filename == "/etc/x"
    assert (root / "etc/x").read_bytes() == b"old"
    assert os.listdir(root / "etc") == ["x"]


def test_what_a_killed_write_left_is_written_over_or_cleared(places: Places, root: Path) -> None:
    left = root / "etc" / module._temporary("x")
    left.write_text("half")
    places.write("/etc/x", b"whole", 0o644, *ME)
    assert os.listdir(root / "etc") == ["x"]
    left.write_text("half")
    places.clear("/etc/x")
    assert os.listdir(root / "etc") == ["x"]


def test_a_link_in_the_way_is_replaced_and_not_followed(places: Places, root: Path) -> None:
    (root / "outside").write_text("mine")
    (root / "etc/x").symlink_to("../outside")
    places.write("/etc/x", b"new", 0o644, *ME)
    assert (root / "outside").read_text() == "mine"
    assert not (root / "etc/x").is_symlink()


def test_links_of_root_lead_on_within_the_root(places: Places, root: Path) -> None:
    (root / "usr/lib").mkdir(parents=True)
    (root / "lib").symlink_to("usr/lib")
    (root / "shortcut").symlink_to("/lib")
    places.write("/shortcut/x", b"x", 0o644, *ME)
    assert (root / "usr/lib/x").read_bytes() == b"x"


def test_links_of_others_are_refused(root: Path) -> None:
    (root / "app").symlink_to("etc")
    with pytest.raises(OSError, match="is a symbolic link that uid") as raised:
        Places(str(root), trusted=()).write("/app/passwd", b"x", 0o644, *ME)
    assert raised.value.filename == "/app"
    assert os.listdir(root / "etc") == []


def test_links_that_go_round_are_refused(places: Places, root: Path) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(OSError):
        places.write("/a/x", b"x", 0o644, *ME)


def test_a_file_in_the_place_of_a_folder_is_named(places: Places, root: Path) -> None:
    (root / "etc/x").write_text("")
    with pytest.raises(OSError, match="is not a folder") as raised:
        places.write("/etc/x/y", b"", 0o644, *ME)
    assert raised.value.filename == "/etc/x"


def test_looking_at_nothing_is_no_error(places: Places, root: Path) -> None:
    (root / "etc/x").write_text("")
    assert places.look("/etc/none") is None
    assert places.look("/none/none") is None
    assert places.look("/etc/x/y") is None
    assert not places.remove("/none/none")
    assert not places.remove_folder("/none")


def test_only_empty_folders_are_removed(places: Places, root: Path) -> None:
    places.folder("/srv", 0o750, *ME)
    places.folder("/srv", 0o700, *ME)
    assert (root / "srv").stat().st_mode & 0o777 == 0o700
    (root / "srv/x").write_text("")
    assert not places.remove_folder("/srv")
    places.remove("/srv/x")
    assert places.remove_folder("/srv")


def test_a_pipe_is_not_read(places: Places, root: Path) -> None:
    os.mkfifo(root / "etc/pipe")
    with pytest.raises(OSError, match="not a regular file"):
        places.read("/etc/pipe")

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from soop_components.build import source_files
from soop_components.build.source_files import collect
from soop_components.errors import InvalidInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "service"
    (folder / "app" / "deep").mkdir(parents=True)
    (folder / "app" / "a.py").write_text("a")
    (folder / "app" / "deep" / "run").write_text("b")
    (folder / "app" / "deep" / "run").chmod(0o710)
    (tmp_path / "outside").write_text("secret")
    return folder


def refused(folder: Path, source: str = "app/") -> tuple[str, ...]:
    with pytest.raises(InvalidInput) as caught:
        collect(folder, source)
    return caught.value.problems


def test_a_folder_and_a_file(folder: Path) -> None:
    found = collect(folder, "app/")
    assert {name: file.mode for name, file in found.items()} == {"app/a.py": "0644", "app/deep/run": "0755"}
    assert list(collect(folder, "app/a.py")) == ["app/a.py"]
    assert list(collect(folder, "app")) == ["app/a.py", "app/deep/run"]


def test_what_tools_leave_behind_is_ignored(folder: Path) -> None:
    (folder / "app" / "__pycache__").mkdir()
    (folder / "app" / "__pycache__" / "a.cpython-311.pyc").touch()
    (folder / "app" / ".git").mkdir()
    (folder / "app" / ".git" / "config").touch()
    (folder / "app" / "a.py~").touch()
    assert list(collect(folder, "app/")) == ["app/a.py", "app/deep/run"]


def test_links_inside_a_folder_stay_links(folder: Path) -> None:
    (folder / "app" / "b.py").symlink_to("a.py")
    (folder / "app" / "deep" / "c.py").symlink_to("../b.py")
    (folder / "app" / "folder").symlink_to("deep")
    (folder / "app" / "through").symlink_to("./folder/run")
    links = {name: file.link for name, file in collect(folder, "app/").items()}
    assert links == {
        "app/a.py": None,
        "app/b.py": "a.py",
        "app/deep/c.py": "../b.py",
        "app/deep/run": None,
        "app/folder": "deep",
        "app/through": "./folder/run",
    }


def test_a_link_that_is_named_itself_counts_as_a_copy(folder: Path) -> None:
    (folder / "b.py").symlink_to("app/a.py")
    assert {name: (file.link, file.path.read_text()) for name, file in collect(folder, "b.py").items()} == {
        "b.py": (None, "a")
    }
    (folder / "c.py").symlink_to("../outside")
    (folder / "d").symlink_to("app")
    assert refused(folder, "c.py") == ("c.py: is a link that leads out of the service definition, to ../outside",)
    assert refused(folder, "d") == ("d: is a link to app, which is not a file",)


@pytest.mark.parametrize(
    "target",
    [
        "../../outside",
        "/etc/passwd",
        "deep/../../../outside",
        "deep/../a.py",
        "../app/a.py",
        "../shared",
        ".",
        "way/outside",
    ],
)
def test_links_that_lead_out_of_their_folder(folder: Path, target: str) -> None:
    (folder / "shared").touch()
    (folder / "app" / "link").symlink_to(target)
    if target == "way/outside":
        (folder / "app" / "way").symlink_to("../..")
    what = f"is a link that leads out of app/, to {target}; put a copy there, or pack the folder that has both"
    assert f"app/link: {what}" in refused(folder)


def test_a_way_that_is_a_link(folder: Path) -> None:
    (folder / "way").symlink_to("..")
    assert refused(folder, "way/outside") == (
        "way/outside: a folder on the way is a link; only links to files are packed",
    )


def test_absolute_links_even_inside(folder: Path) -> None:
    (folder / "app" / "link").symlink_to(folder / "app" / "a.py")
    assert refused(folder)[0].startswith("app/link: is a link that leads out")


def test_links_to_nowhere_and_to_what_is_not_packed(folder: Path) -> None:
    (folder / "app" / "gone").symlink_to("nowhere")
    (folder / "app" / "itself").symlink_to("itself")
    (folder / "app" / "cached").symlink_to("a.pyc")
    (folder / "app" / "a.pyc").touch()
    (folder / "app" / "hollow").symlink_to("empty")
    (folder / "app" / "empty").mkdir()
    assert refused(folder) == (
        "app/gone: is a link to nowhere, which is not there",
        "app/itself: is a link to itself, which is not there",
        "app/cached: is a link to a.pyc, which is not packed",
        "app/hollow: is a link to empty, which is not packed",
    )


def test_empty_folders_are_reported(folder: Path) -> None:
    (folder / "app" / "spool").mkdir()
    (folder / "app" / "left" / "__pycache__").mkdir(parents=True)
    notes: list[str] = []
    assert list(collect(folder, "app/", notes)) == ["app/a.py", "app/deep/run"]
    (note,) = notes
    assert note.startswith("app/spool/ is empty and left out, as git would")


def test_a_program_that_cannot_be_run_for_its_line_ends(folder: Path) -> None:
    (folder / "app" / "run.sh").write_bytes(b"#!/bin/sh\r\necho\r\n")
    (folder / "app" / "data.csv").write_bytes(b"a,b\r\n")
    assert refused(folder) == (
        "app/run.sh: its first line ends with CRLF, so that it cannot be run; save it with the line ends of Unix",
    )


def test_what_is_neither_file_nor_folder(folder: Path) -> None:
    os.mkfifo(folder / "app" / "pipe")
    assert refused(folder) == ("app/pipe: is neither a file nor a folder",)


def test_names_that_no_tar_should_have(folder: Path) -> None:
    (folder / "app" / "a\nb").touch()
    assert refused(folder) == ("'app/a\\nb': a file's name must be printable",)
    os.mkdir(os.fsencode(folder / "app" / "deep") + b"/\xff")
    (folder / "app" / "a\nb").unlink()
    Path(os.fsdecode(os.fsencode(folder / "app" / "deep") + b"/\xff"), "x").touch()
    assert "must be printable" in refused(folder)[0]


def test_what_is_not_there(folder: Path) -> None:
    (folder / "empty").mkdir()
    assert refused(folder, "nowhere/") == ("nowhere/: no such file",)
    assert refused(folder, "empty/") == ("empty/: has no file in it",)
    assert refused(folder, "app/a.py/") == ("app/a.py/: is a file, not a folder; leave out the final /",)


def test_hard_links(folder: Path) -> None:
    os.link(folder / "app" / "a.py", folder / "app" / "b.py")
    assert "app/b.py" in collect(folder, "app/")
    os.link(folder.parent / "outside", folder / "app" / "c.py")
    assert refused(folder) == ("app/c.py: is a hard link to a file outside of the service definition; copy it instead",)


def test_a_device(folder: Path) -> None:
    try:
        os.mknod(folder / "app" / "null", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root makes devices")
    assert refused(folder) == ("app/null: is neither a file nor a folder",)


def test_more_than_a_service_has(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (folder / "app" / "large").open("wb") as file:
        file.truncate(2**30)
    assert refused(folder) == ("app/large: app/ is more than 20000 files or 1 GiB",)
    (folder / "app" / "large").unlink()
    monkeypatch.setattr(source_files, "_MAXIMUM_FILES", 1)
    assert refused(folder) == ("app/deep/run: app/ is more than 1 files or 1 GiB",)


def test_a_path_that_is_too_long(folder: Path) -> None:
    deep = folder / "app" / ("a" * 200) / ("b" * 200)
    deep.mkdir(parents=True)
    (deep / "x").touch()
    assert "a path has at most 400 characters" in refused(folder)[0]


def test_names_that_programs_take_for_options(folder: Path) -> None:
    (folder / "app" / "-rf").write_text("")
    assert "app/-rf" in collect(folder, "app/")


def test_a_file_that_may_not_be_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may read everything, so somebody else is made up."""
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "a.py")
    assert refused(folder) == ("app/a.py: cannot be read: Permission denied",)

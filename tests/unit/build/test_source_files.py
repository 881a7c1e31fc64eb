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


def test_links_to_files_inside_count_as_copies(folder: Path) -> None:
    (folder / "app" / "b.py").symlink_to("a.py")
    (folder / "app" / "deep" / "c.py").symlink_to("../b.py")
    found = collect(folder, "app/")
    assert found["app/deep/c.py"].path.read_text() == "a"


@pytest.mark.parametrize("target", ["../../outside", "/etc/passwd", "deep/../../../outside"])
def test_links_that_lead_out(folder: Path, target: str) -> None:
    (folder / "app" / "link").symlink_to(target)
    assert refused(folder) == (f"app/link: is a link that leads out of the service definition, to {target}",)


def test_links_that_lead_out_by_another_link(folder: Path) -> None:
    (folder / "way").symlink_to("..")
    (folder / "app" / "link").symlink_to("../way/outside")
    assert refused(folder)[0].startswith("app/link: is a link that leads out of the service definition")
    assert refused(folder, "way/outside") == (
        "way/outside: a folder on the way is a link; only links to files are packed",
    )


def test_absolute_links_even_inside(folder: Path) -> None:
    (folder / "app" / "link").symlink_to(folder / "app" / "a.py")
    assert refused(folder)[0].startswith("app/link: is a link that leads out")


def test_links_to_folders_nowhere_and_themselves(folder: Path) -> None:
    (folder / "app" / "folder").symlink_to("deep")
    (folder / "app" / "gone").symlink_to("nowhere")
    (folder / "app" / "itself").symlink_to("itself")
    assert refused(folder) == (
        "app/folder: is a link to a folder; only links to files are packed",
        "app/gone: is a link to nowhere, which is not a file",
        "app/itself: is a link to itself, which is not a file",
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

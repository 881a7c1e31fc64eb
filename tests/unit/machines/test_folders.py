"""Folders: the root helper stays in one project's ``.soop`` folder, whatever lies in it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest

from soop_components.machines.local.root_helper import command, folders
from soop_components.machines.local.root_helper.failure import Refused
from soop_components.machines.local.root_helper.folders import Realm

NAME = "web-1.access-service.dev-access"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SUDO_UID", raising=False)
    home = Path(os.path.realpath(tmp_path)) / ".soop"
    home.mkdir(mode=0o700)
    return home


@pytest.fixture
def realm(home: Path) -> Realm:
    return Realm.open(str(home), "0123abcd")


def test_a_machine_has_a_folder_of_its_own(realm: Realm, home: Path) -> None:
    realm.make(realm.machine(NAME))
    assert (home / "machines" / "0123abcd" / "dev-access" / NAME).is_dir()
    assert realm.names(realm.machines) == [NAME]
    realm.remove(realm.machine(NAME))
    realm.remove(realm.machine(NAME))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("home", ["/", "/etc", "relative/.soop", "", None, 7, "/nowhere/at/all/.soop", "/tmp/../.soop"])
def test_homes_that_are_no_homes(home: object) -> None:
    with pytest.raises(Refused, match="home"):
        Realm.open(home, "0123abcd")


def test_a_home_that_is_a_link_is_refused(home: Path) -> None:
    link = home.parent / "other" / ".soop"
    link.parent.mkdir()
    link.symlink_to(home)
    with pytest.raises(Refused, match="real path"):
        Realm.open(str(link), "0123abcd")


def test_a_home_that_others_can_write_is_refused(home: Path) -> None:
    home.chmod(0o777)
    with pytest.raises(Refused, match="nobody else"):
        Realm.open(str(home), "0123abcd")


def test_a_home_of_somebody_else_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(os.getuid() + 1))
    monkeypatch.setenv("SUDO_GID", "1")
    with pytest.raises(Refused, match="somebody else"):
        Realm.open(str(home), "0123abcd")


@pytest.mark.parametrize("planted", ["machines", "machines/0123abcd", "machines/0123abcd/dev-access"])
def test_a_link_on_the_way_is_refused(realm: Realm, home: Path, tmp_path: Path, planted: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home / planted).parent.mkdir(parents=True, exist_ok=True)
    (home / planted).symlink_to(elsewhere)
    with pytest.raises(Refused, match="not a folder of yours"):
        realm.make(realm.machine(NAME))
    with pytest.raises(Refused, match="not a folder of yours"):
        realm.remove(realm.machine(NAME))
    assert list(elsewhere.iterdir()) == []


def test_what_a_link_in_a_removed_folder_points_at_stays(realm: Realm, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("data")
    realm.make(realm.machine(NAME))
    (realm.machine(NAME) / "link").symlink_to(kept)
    (realm.machine(NAME) / "folder").symlink_to(tmp_path)
    realm.remove(realm.machine(NAME))
    assert kept.read_text() == "data"


def test_a_record_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.json").write_text("{}")
    (tmp_path / "machine.json").symlink_to(tmp_path / "secret.json")
    with pytest.raises(Refused, match="cannot be read"):
        folders.read_json(tmp_path / "machine.json")


def test_a_record_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    assert folders.read_json(path) is None
    folders.write_json(path, {"a": 1})
    folders.write_json(path, {"a": 2})
    assert folders.read_json(path) == {"a": 2}
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_whose_holder_removed_it_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one"
    with folders.lock(path) as held:
        assert held
        path.unlink()
        with folders.lock(path, wait=False) as other:
            assert other


def test_a_lock_that_somebody_has_is_not_free(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one"
    with folders.lock(path):
        process = multiprocessing.get_context("spawn").Process(target=_expect_held, args=(path,))
        process.start()
        process.join()
        assert process.exitcode == 0


def _expect_held(path: Path) -> None:
    with folders.lock(path, wait=False) as held:
        assert not held


def test_a_program_that_outlives_its_caller_keeps_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one"
    caller = multiprocessing.get_context("spawn").Process(target=_be_killed_while_sleeping, args=(path,))
    caller.start()
    caller.join()
    assert caller.exitcode == -signal.SIGKILL
    with folders.lock(path, wait=False) as held:
        assert not held
    with folders.lock(path) as held:
        assert held


def _be_killed_while_sleeping(path: Path) -> None:
    with folders.lock(path):
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
        command.run("sleep", "2")

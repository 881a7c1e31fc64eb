"""Folders: the root helper stays in one project's ``.soop`` folder, whatever lies in it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest

from soop_components.machines.local.root_helper import command, files, folders, run_folder
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
        files.read_json(tmp_path / "machine.json")


def test_a_record_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "machine.json"
    assert files.read_json(path) is None
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": 2})
    assert files.read_json(path) == {"a": 2}
    assert list(tmp_path.iterdir()) == [path]


def test_a_lock_whose_holder_removed_it_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one"
    with run_folder.lock(path) as held:
        assert held
        path.unlink()
        with run_folder.lock(path, wait=False) as other:
            assert other


def test_a_lock_that_somebody_has_is_not_free(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one"
    with run_folder.lock(path):
        process = multiprocessing.get_context("spawn").Process(target=_expect_held, args=(path,))
        process.start()
        process.join()
        assert process.exitcode == 0


def _expect_held(path: Path) -> None:
    with run_folder.lock(path, wait=False) as held:
        assert not held


def test_a_program_that_outlives_its_caller_keeps_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "locks" / "one"
    caller = multiprocessing.get_context("spawn").Process(target=_be_killed_while_sleeping, args=(path,))
    caller.start()
    caller.join()
    assert caller.exitcode == -signal.SIGKILL
    with run_folder.lock(path, wait=False) as held:
        assert not held
    with run_folder.lock(path) as held:
        assert held


def _be_killed_while_sleeping(path: Path) -> None:
    with run_folder.lock(path):
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGKILL)).start()
        command.run("sleep", "2")


def test_a_folder_that_becomes_a_link_after_it_was_opened_is_not_followed(realm: Realm, tmp_path: Path) -> None:
    folder, elsewhere = realm.machine(NAME), tmp_path / "elsewhere"
    elsewhere.mkdir()
    realm.make(folder)
    with realm.opened(folder) as opened:
        folder.parent.rename(folder.parent.with_name("moved"))
        folder.parent.symlink_to(elsewhere)
        files.write_json(opened / "machine.json", {})
    assert list(elsewhere.iterdir()) == []
    assert os.listdir(folder.parent.with_name("moved") / NAME) == ["machine.json"]


def test_a_home_that_is_exchanged_for_a_link_is_not_followed(realm: Realm, home: Path) -> None:
    home.parent.joinpath("theirs").mkdir()
    home.rename(home.parent / "theirs" / ".soop")
    home.symlink_to(home.parent / "theirs" / ".soop")
    for action in (realm.make, realm.remove, realm.names):
        with pytest.raises(Refused, match="not a folder of yours"):
            action(realm.machine(NAME))


@pytest.mark.parametrize("planted", ["machine.json", ".machine.json.new"])
def test_a_file_that_is_a_link_is_replaced_and_not_written_through(tmp_path: Path, planted: str) -> None:
    kept = tmp_path / "kept"
    kept.write_text("data")
    (tmp_path / planted).symlink_to(kept)
    files.write_json(tmp_path / "machine.json", {"a": 1})
    assert kept.read_text() == "data"
    assert files.read_json(tmp_path / "machine.json") == {"a": 1}


def test_a_realm_whose_machines_belong_to_another_home_or_user_is_refused(
    realm: Realm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks, mine = tmp_path / "networks.json", {"realm": realm.name, "home": str(realm.home), "environment": "dev"}
    monkeypatch.setattr(folders, "NETWORKS", networks)
    user = Realm(realm.home, realm.name, 1000)
    realm.check_owner()
    for network in (mine, {**mine, "owner": 1000}, {**mine, "realm": "fedcba98", "home": "/home/anna/.soop"}):
        networks.write_text(json.dumps({"1": network}))
        user.check_owner()
    networks.write_text(json.dumps({"1": {**mine, "owner": 1001}}))
    realm.check_owner()  # root may
    with pytest.raises(Refused, match=r"the machines of realm 0123abcd belong to user 1001"):
        user.check_owner()
    networks.write_text(json.dumps({"1": {**mine, "home": "/home/anna/.soop"}}))
    for each in (realm, user):
        with pytest.raises(Refused, match=r"the machines of realm 0123abcd belong to /home/anna/\.soop"):
            each.check_owner()

"""What a Host does on its machine, in a folder instead of a machine."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from soop_components.machines.host import visit
from soop_components.machines.host.on_host import claims, files, users
from soop_components.machines.host.on_host.files import RefusedError
from soop_components.runner.ledger import Ledger, UserRecord

NODE, OTHER = "web-1.access-service.rack-access", "web-1.access-service.rack-other"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kept, home = tmp_path / "kept", tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr(claims, "KEPT", str(kept))
    monkeypatch.setattr(claims, "CLAIM", str(kept / "claim.json"))
    monkeypatch.setattr(claims, "VOLATILE", str(tmp_path / "run"))
    monkeypatch.setattr(claims, "LEFT", str(tmp_path / "left.json"))
    user = SimpleNamespace(pw_dir=str(home), pw_uid=os.getuid(), pw_gid=os.getgid())
    monkeypatch.setattr(pwd, "getpwnam", lambda name: user)
    return tmp_path


def keys(machine: Path) -> list[str]:
    return (machine / "home/.ssh/authorized_keys").read_text().splitlines()


def test_of_many_that_claim_a_machine_at_once_one_has_it(machine: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        owners = list(pool.map(lambda number: claims.claim(f"web-{number}.a-b.rack-a", f"key {number}"), range(32)))
    assert len({json.dumps(owner) for owner in owners}) == 1
    assert owners[0] == claims.claimed()
    assert os.listdir(machine / "kept") == ["claim.json"]


def test_a_claim_stays_who_made_it_until_it_leaves(machine: Path) -> None:
    claims.claim(NODE, "ours")
    assert claims.claim(OTHER, "theirs") == {"node": NODE, "key": "ours"}
    claims.leave(OTHER, "ops", [])
    assert claims.claimed() == {"node": NODE, "key": "ours"}
    claims.leave(NODE, "ops", [])
    assert claims.claimed() is None
    assert not (machine / "kept").exists()
    claims.leave(NODE, "ops", [])


def test_a_damaged_claim_is_somebodys(machine: Path) -> None:
    (machine / "kept").mkdir()
    (machine / "kept/claim.json").write_text("{")
    assert "damaged" in (claims.claim(NODE, "ours") or {})["node"]


def test_keys_of_others_stay_and_ours_are_replaced(machine: Path) -> None:
    folder = machine / "home/.ssh"
    folder.mkdir(mode=0o700)
    (folder / "authorized_keys").write_text("ssh-rsa THEIRS\nssh-rsa without-end")
    claims.claim(NODE, "old")
    claims.authorize(NODE, "ops", ["old", "new"], alone=False)
    assert keys(machine)[:2] == ["ssh-rsa THEIRS", "ssh-rsa without-end"]
    assert keys(machine)[3:5] == ["old", "new"]
    assert claims.claimed() == {"node": NODE, "key": "new"}
    claims.authorize(NODE, "ops", ["new"], alone=False)
    assert "old" not in keys(machine)
    claims.leave(NODE, "ops", [])
    assert keys(machine) == ["ssh-rsa THEIRS", "ssh-rsa without-end"]


def test_what_user_data_let_in_goes_from_a_machine_that_was_made_for_its_node(machine: Path) -> None:
    folder = machine / "home/.ssh"
    folder.mkdir(mode=0o700)
    (folder / "authorized_keys").write_text("ssh-ed25519 AAAA of the user data\n")
    claims.claim(NODE, "old")
    claims.authorize(NODE, "ops", ["old", "new"], alone=True)
    assert keys(machine)[1:3] == ["old", "new"]
    claims.authorize(NODE, "ops", ["new"], alone=True)
    assert [line for line in keys(machine) if not line.startswith("#")] == ["new"]


@pytest.mark.parametrize("path", ["kept/ledger.json", "run", "kept/claim.json", "kept"])
def test_a_key_opens_the_machine_until_all_else_is_gone(
    machine: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    claims.claim(NODE, "ours")
    claims.authorize(NODE, "ops", ["ours"], alone=False)
    (machine / "kept/ledger.json").touch()
    (machine / "run").mkdir()

    def fail_at_path(which: str) -> None:
        if which == str(machine / path):
            raise OSError(which)
        files.remove(which)

    with monkeypatch.context() as broken:
        broken.setattr(claims, "remove", fail_at_path)
        with pytest.raises(OSError, match=path):
            claims.leave(NODE, "ops", [])
    assert "ours" in keys(machine)
    claims.leave(NODE, "ops", [])
    assert (keys(machine), sorted(os.listdir(machine))) == ([], ["home"])


def test_keys_are_given_to_nobody_who_has_not_the_claim(machine: Path) -> None:
    claims.claim(NODE, "ours")
    with pytest.raises(RefusedError, match=f"not claimed by {OTHER} any more, but by {NODE}"):
        claims.authorize(OTHER, "ops", ["theirs"], alone=False)
    assert not (machine / "home/.ssh").exists()


def test_the_program_runs_as_it_is_sent() -> None:
    sent = {
        "package": visit._PACKAGE,
        "modules": visit._sources(),
        "request": {"verb": "look", "node": NODE, "mounts": []},
    }
    argv = ["python3", "-I", "-c", visit._LOADER]
    done = subprocess.run(argv, input=json.dumps(sent), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    machine = {"base", "architecture", "systemd", "memory", "cpus", "claim", "occupied"}
    assert found.keys() == machine | {"nftables", "caller", "guarded", "in_use"}
    assert found["memory"] > 0


def test_data_that_a_node_leaves_is_its_own_when_it_comes_back_and_nobody_elses(machine: Path) -> None:
    data, empty = machine / "data", machine / "empty"
    data.mkdir()
    empty.mkdir()
    folders = [str(data), str(empty), str(machine / "absent")]
    assert claims.occupied(folders, NODE) == {}
    (data / "base").touch()
    assert claims.occupied(folders, NODE) == {str(data): "somebody else"}
    claims.claim(NODE, "ours")
    claims.leave(NODE, "ops", folders)
    assert claims.occupied(folders, NODE) == {}
    assert claims.occupied(folders, OTHER) == {str(data): NODE}
    assert (data / "base").exists()


def test_users_that_the_runner_has_made_are_known_until_they_are_gone_and_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, going = tmp_path / "ledger.json", tmp_path / "going.json"
    monkeypatch.setattr(users, "LEDGER", str(path))
    monkeypatch.setattr(users, "GOING", str(going))
    assert users.made() == {"users": []}
    ledger = Ledger()
    ledger.users = {"app": UserRecord(True, ("adm",)), "www-data": UserRecord(False, ("adm",))}
    path.write_text(json.dumps(ledger.to_json()))
    assert users.made() == {"users": ["app"]}
    for forgotten in (json.dumps(Ledger().to_json()), "["):
        path.write_text(forgotten)
        assert users.made() == {"users": ["app"]}
    going.write_text("[")
    assert users.made() == {"users": []}


def test_users_go_but_those_to_whom_data_belong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, removed = os.getuid(), []
    numbers = {"keeper": mine, "other": mine + 1}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=numbers[name]))
    done = SimpleNamespace(returncode=0)
    monkeypatch.setattr(subprocess, "run", lambda argv, **_: removed.append(argv) or done)
    users.remove(["keeper", "other", "absent"], [str(tmp_path)])
    assert removed == [["userdel", "other"]]

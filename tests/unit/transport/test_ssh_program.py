from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from soop_components.project import Project
from soop_components.transport.ssh import Target
from soop_components.transport.ssh_program import ssh_session


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return Project(tmp_path)


NODE = Target("web-1.access-service.dev-a", "127.0.0.1", "ssh-ed25519 AAAA", 2222)


def test_session_files_are_private_and_gone_afterwards(project: Project) -> None:
    session = ssh_session(project, NODE, "a key")
    argv = session.__enter__()
    options = dict(word.split("=", 1) for word in argv if "=" in word)
    key, hosts = (Path(options[name].strip('"')) for name in ("IdentityFile", "UserKnownHostsFile"))
    assert key.read_text() == "a key\n"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert hosts.read_text() == "web-1.access-service.dev-a ssh-ed25519 AAAA\n"
    assert options["StrictHostKeyChecking"] == "yes"
    assert not session.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert not key.parent.exists()


def test_what_a_killed_session_left_is_removed_by_the_next(project: Project) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    run = project.make_home() / "run"
    left, used = run / f"soop-ssh-{ended.pid}-abc", run / f"soop-ssh-{os.getpid()}-abc"
    for folder in (left, used):
        folder.mkdir(parents=True)
    with ssh_session(project, NODE, "a key"):
        assert not left.exists()
        assert used.exists()


def test_a_jump_host_has_to_show_its_own_key_and_gets_neither_the_domain_s_key_nor_the_agent(project: Project) -> None:
    place = {"address": "10.0.0.2", "hostKey": "ssh-ed25519 NODE", "user": "ops"}
    jump = {"address": "198.51.100.1", "hostKey": "ssh-ed25519 JUMP", "user": "me", "port": 2222}
    node = Target.of_place(NODE.name, {**place, "jump": jump})
    assert node.jump == Target("jump host 198.51.100.1", "198.51.100.1", "ssh-ed25519 JUMP", 2222, "me")
    with ssh_session(project, node, "a key") as argv:
        options = dict(word.split("=", 1) for word in argv if "=" in word)
        known = Path(options["UserKnownHostsFile"].strip('"')).read_text().splitlines()
        assert known == [f"{NODE.name} ssh-ed25519 NODE", "jump-host-198.51.100.1 ssh-ed25519 JUMP"]
        asked = subprocess.run(["ssh", "-G", *argv[1:]], capture_output=True, text=True, check=True).stdout
        command = shlex.split(options["ProxyCommand"].replace("[%h]:%p", "[10.0.0.2]:22").replace("%%", "%"))
        between = subprocess.run(["ssh", "-G", *command[1:]], capture_output=True, text=True, check=True).stdout
    assert f"hostkeyalias {NODE.name}\n" in asked
    for line in ("hostkeyalias jump-host-198.51.100.1", "stricthostkeychecking true", "user me", "port 2222"):
        assert f"{line}\n" in between
    assert "forwardagent no\n" in between
    assert options["IdentityFile"].strip('"') not in between

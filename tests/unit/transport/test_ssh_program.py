from __future__ import annotations

import os
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

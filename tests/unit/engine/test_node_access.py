from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from soop_components.engine import Node
from soop_components.engine.node_access import full_name, journal_command, ssh_session
from soop_components.errors import SoopError
from soop_components.project import Project

NAMES = [
    "database-1.access-service.dev-access",
    "web-1.access-service.dev-access",
    "web-10.access-service.dev-access",
    "web-1.access-service.dev-one-access",
]


def test_full_name() -> None:
    assert full_name("database", NAMES) == NAMES[0]
    assert full_name("web-10", NAMES) == NAMES[2]
    assert full_name("web-1.access-service.dev-access", NAMES) == NAMES[1]
    assert full_name("web-1", NAMES[:3]) == NAMES[1]
    assert full_name("web-1.access-service.dev-o", NAMES) == NAMES[3]


@pytest.mark.parametrize("name", ["web-1", "web", "w", "web-1.access-service.dev"])
def test_ambiguous_names_list_their_candidates(name: str) -> None:
    with pytest.raises(SoopError) as caught:
        full_name(name, NAMES)
    assert str(caught.value.hint).startswith("it is one of ")
    assert NAMES[1] in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "hint"), [("wbe-1", "did you mean web-1?"), ("zzz", "there are database-1"), ("", "there are database-1")]
)
def test_unknown_names_get_advice(name: str, hint: str) -> None:
    with pytest.raises(SoopError) as caught:
        full_name(name, NAMES)
    assert str(caught.value.hint).startswith(hint)


def test_nothing_is_deployed() -> None:
    with pytest.raises(SoopError, match="nothing is deployed"):
        full_name("web-1", [])


def test_journal_command_shows_instances_too() -> None:
    assert journal_command(["postgresql.service", "a@b.service", "api"], 20, True) == [
        "journalctl",
        "--no-pager",
        "--lines=20",
        "--follow",
        "--unit=postgresql.service",
        "--unit=postgresql@*.service",
        "--unit=a@b.service",
        "--unit=api",
        "--unit=api@*.service",
    ]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    return Project(tmp_path)


NODE = Node("web-1.access-service.dev-a", "web", "127.0.0.1", 2222, "root", "ssh-ed25519 AAAA")


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

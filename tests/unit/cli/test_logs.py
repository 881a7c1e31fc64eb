from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from soop_components.cli.logs import journal_command, logs_command


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
def node(tmp_path: Path) -> Path:
    """A folder with a journal that is read by a program of the test, and with a log file."""
    (tmp_path / "journalctl").write_text("#!/bin/sh\necho of the journal\n[ ! -e slow ] || sleep 1\n")
    (tmp_path / "journalctl").chmod(0o755)
    (tmp_path / "it's.log").write_text("1\n2\n3\n")
    return tmp_path


def shell(node: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{node}:/usr/bin:/bin"}
    return subprocess.run(["sh", "-c", command], cwd=node, env=environment, capture_output=True, text=True, timeout=60)


def test_log_files_follow_the_journal(node: Path) -> None:
    done = shell(node, logs_command(["a.service"], ["it's.log", "none.log"], 2, False))
    assert done.stdout == "of the journal\n==> it's.log <==\n2\n3\n"
    assert "none.log" in done.stderr
    assert done.returncode == 0


def test_patterns_are_those_of_a_shell_and_nothing_else_is(node: Path) -> None:
    for name in ("a b;$(x).log", "[1].log"):
        (node / name).write_text(f"of {name}\n")
    done = shell(node, logs_command(["a.service"], ["a b;$(x)*.log", "[1].lo?"], 2, False))
    said = [line for line in done.stdout.splitlines() if line.startswith("of ")]
    assert said[1:] == [
        "of a b;$(x).log",
        "of [1].log",
    ]


def test_log_files_are_followed_until_the_journal_ends(node: Path) -> None:
    (node / "slow").touch()
    done = shell(node, logs_command(["a.service"], ["it's.log"], 2, True))
    assert sorted(done.stdout.splitlines()) == ["2", "3", "==> it's.log <==", "of the journal"]


def test_without_log_files_only_the_journal_is_read() -> None:
    assert logs_command(["a@b.service"], (), 2, False) == "journalctl --no-pager --lines=2 --unit=a@b.service"

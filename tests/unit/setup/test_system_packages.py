"""System packages: only what is missing, and by what right."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.project import Project
from soop_components.setup import root_access, step, system_packages
from soop_components.setup.system_packages import Need

THERE = Need("dash", "sh", "is there")
MISSING = Need("no-such-package", "no-such-program", "is not there")


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What would have been run."""
    ran: list[list[str]] = []
    monkeypatch.setattr(step, "run", lambda title, argv, log: ran.append([str(word) for word in argv]))
    monkeypatch.setattr(system_packages, "as_root", list)
    return ran


def test_nothing_is_run_when_nothing_is_missing(steps: list[list[str]], tmp_path: Path) -> None:
    system_packages.ensure(Project(tmp_path), [THERE])
    assert steps == []


def test_only_the_missing_is_installed(steps: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_program(tmp_path, "apt-get", monkeypatch)
    system_packages.ensure(Project(tmp_path), [THERE, MISSING])
    update, install = steps
    assert update[-1] == "update"
    assert install[-2:] == ["install", "no-such-package"]


def test_without_apt_it_says_what_to_install(
    steps: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SoopError, match=r"please install: no-such-program \(is not there\)"):
        system_packages.ensure(Project(tmp_path), [MISSING])
    assert steps == []


def test_root_needs_no_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_access.os, "geteuid", lambda: 0)
    assert root_access.as_root(["true"]) == ["true"]


def test_a_user_without_sudo_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_access.os, "geteuid", lambda: 1000)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SoopError, match="install sudo"):
        root_access.as_root(["true"])


def test_a_user_goes_through_sudo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root_access.os, "geteuid", lambda: 1000)
    add_program(tmp_path, "sudo", monkeypatch)
    assert root_access.as_root(["apt-get", "update"]) == ["sudo", "-n", "apt-get", "update"]


def test_a_sudo_that_asks_for_a_password_where_nobody_can_give_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root_access.os, "geteuid", lambda: 1000)
    add_program(tmp_path, "sudo", monkeypatch, code=1)
    with pytest.raises(SoopError, match="run this in a terminal, or as root"):
        root_access.as_root(["true"])


def add_program(folder: Path, name: str, monkeypatch: pytest.MonkeyPatch, code: int = 0) -> None:
    (folder / name).write_text(f"#!/bin/sh\nexit {code}\n")
    (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))

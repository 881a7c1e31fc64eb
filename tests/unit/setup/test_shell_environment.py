"""What .soop/env does to a shell."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from soop_components.project import Project
from soop_components.setup import shell_environment


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "it's 50% of a folder")
    (made.built / "bin").mkdir(parents=True)
    (made.root / "Pulumi.yaml").write_text("name: p\nruntime: python\n")
    return made


def test_a_shell_reads_it_whatever_the_folder_is_called(project: Project) -> None:
    shell_environment.ensure(project)
    script = '. .soop/env && printf "%s\\n" "$PATH" "$PULUMI_BACKEND_URL" "$PULUMI_CONFIG_PASSPHRASE_FILE"'
    ask = ["sh", "-c", script]
    answer = subprocess.run(
        ask, cwd=project.root, env={"PATH": "/bin:/usr/bin"}, capture_output=True, check=True, text=True
    )
    assert answer.stdout.splitlines() == [
        f"{project.root}/.venv/bin:{project.root}/.toolchain/bin:/bin:/usr/bin",
        (project.root / ".soop" / "state").as_uri() + "?metadata=skip",
        f"{project.root}/.soop/passphrase",
    ]


@pytest.mark.parametrize(
    ("code", "expected"), [(0, ""), (7, "recover --check --of-pulumi 7 a b\nrecover --check --of-pulumi 5 \n")]
)
def test_a_shell_says_what_a_killed_deployment_left_under_a_failure(project: Project, code: int, expected: str) -> None:
    shell_environment.ensure(project)
    programs = project.venv / "bin"
    programs.mkdir(parents=True)
    (programs / "pulumi").write_text(f'#!/bin/sh\necho "$# $3"\nexit {code}\n')
    (programs / "soop").write_text('#!/bin/sh\necho "$1 $2 $3 $# $7"\nexit 1\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    script = 'set -eu; . .soop/env; pulumi up --stack "a b" || code=$?; echo "${code:-0}"; pulumi up; echo on'
    answer = subprocess.run(
        ["sh", "-c", script], cwd=project.root, env={"PATH": "/bin:/usr/bin"}, capture_output=True, text=True
    )
    assert answer.returncode == code
    assert answer.stdout == f"3 a b\n{code}\n1 \n" + ("" if code else "on\n")
    assert answer.stderr == expected


def test_a_passphrase_that_is_there_is_kept(project: Project) -> None:
    passphrase = project.make_home() / "passphrase"
    passphrase.write_text("my own\n")
    shell_environment.ensure(project)
    assert passphrase.read_text() == "my own\n"


def test_the_passphrase_is_for_its_owner_only(project: Project) -> None:
    shell_environment.ensure(project)
    assert (project.home / "passphrase").stat().st_mode & 0o777 == 0o600
    assert project.home.stat().st_mode & 0o777 == 0o700

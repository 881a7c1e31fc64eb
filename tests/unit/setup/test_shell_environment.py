"""The variables of a shell in a place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from soop_components.setup import shell_environment
from soop_components.setup.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "it's 50% of a folder")
    made.make_home()
    (made.built / "bin").mkdir(parents=True)
    return made


def test_a_shell_reads_it_whatever_the_folder_is_called(place: Place) -> None:
    shell_environment.ensure(place)
    script = '. .soop/env && printf "%s\\n" "$PATH" "$PULUMI_BACKEND_URL" "$PULUMI_CONFIG_PASSPHRASE_FILE"'
    ask = ["sh", "-c", script]
    answer = subprocess.run(
        ask, cwd=place.root, env={"PATH": "/bin:/usr/bin"}, capture_output=True, check=True, text=True
    )
    assert answer.stdout.splitlines() == [
        f"{place.root}/.venv/bin:{place.root}/.toolchain/bin:/bin:/usr/bin",
        (place.root / ".soop" / "state").as_uri() + "?metadata=skip",
        f"{place.root}/.soop/passphrase",
    ]


@pytest.mark.parametrize(("code", "told"), [(0, ""), (7, "what another one left\n")])
def test_a_shell_says_what_a_killed_deployment_left_under_a_failure(place: Place, code: int, told: str) -> None:
    shell_environment.ensure(place)
    programs = place.venv / "bin"
    programs.mkdir(parents=True)
    (programs / "pulumi").write_text(f'#!/bin/sh\necho "$# $3"\nexit {code}\n')
    (programs / "soop").write_text('#!/bin/sh\n[ "$*" = "recover --check" ] && echo "what another one left"\nexit 1\n')
    for program in programs.iterdir():
        program.chmod(0o755)
    script = 'set -eu; . .soop/env; pulumi up --stack "a b" || code=$?; echo "${code:-0}"; pulumi up; echo on'
    answer = subprocess.run(
        ["sh", "-c", script], cwd=place.root, env={"PATH": "/bin:/usr/bin"}, capture_output=True, text=True
    )
    assert answer.returncode == code
    assert answer.stdout == f"3 a b\n{code}\n1 \n" + ("" if code else "on\n")
    assert answer.stderr == 2 * told


def test_a_passphrase_that_is_there_is_kept(place: Place) -> None:
    passphrase = place.home / "passphrase"
    passphrase.write_text("my own\n")
    shell_environment.ensure(place)
    assert passphrase.read_text() == "my own\n"


def test_the_passphrase_is_for_its_owner_only(place: Place) -> None:
    shell_environment.ensure(place)
    assert (place.home / "passphrase").stat().st_mode & 0o777 == 0o600
    assert place.home.stat().st_mode & 0o777 == 0o700


def test_our_folders_come_first_and_once(place: Place) -> None:
    once = shell_environment.variables(place, {"PATH": "/bin"})
    assert shell_environment.variables(place, once) == once


def test_a_built_engine_is_on_path_only_when_it_was_built(tmp_path: Path) -> None:
    path = shell_environment.variables(Place(tmp_path), {"PATH": "/bin"})["PATH"]
    assert path == f"{tmp_path}/.venv/bin:/bin"


def test_state_that_lies_elsewhere_is_left_there(place: Place) -> None:
    (place.root / "Pulumi.yaml").write_text("name: x\nbackend:\n  url: s3://state\n")
    assert "PULUMI_BACKEND_URL" not in shell_environment.variables(place, {})
    for written in ("file://./.soop/state", "file://./.soop/state?metadata=skip"):
        (place.root / "Pulumi.yaml").write_text(f"name: x\nbackend:\n  url: {written}\n")
        ours = shell_environment.variables(place, {})["PULUMI_BACKEND_URL"]
        assert ours == (place.root / ".soop" / "state").as_uri() + "?metadata=skip"

"""The variables of a shell in a checkout."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from bootstrap import shell_environment
from bootstrap.checkout import Checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    made = Checkout(tmp_path / "it's a folder")
    made.make_home()
    (made.built / "bin").mkdir(parents=True)
    return made


def test_a_shell_reads_it_whatever_the_folder_is_called(checkout: Checkout) -> None:
    shell_environment.ensure(checkout)
    script = '. .soop/env && printf "%s\\n" "$PATH" "$PULUMI_BACKEND_URL" "$PULUMI_CONFIG_PASSPHRASE_FILE"'
    ask = ["sh", "-c", script]
    answer = subprocess.run(
        ask, cwd=checkout.root, env={"PATH": "/bin:/usr/bin"}, capture_output=True, check=True, text=True
    )
    assert answer.stdout.splitlines() == [
        f"{checkout.root}/.venv/bin:{checkout.root}/.toolchain/bin:/bin:/usr/bin",
        f"file://{checkout.root}/.soop/state",
        f"{checkout.root}/.soop/passphrase",
    ]


def test_a_passphrase_that_is_there_is_kept(checkout: Checkout) -> None:
    passphrase = checkout.home / "passphrase"
    passphrase.write_text("my own\n")
    shell_environment.ensure(checkout)
    assert passphrase.read_text() == "my own\n"


def test_the_passphrase_is_for_its_owner_only(checkout: Checkout) -> None:
    shell_environment.ensure(checkout)
    assert (checkout.home / "passphrase").stat().st_mode & 0o777 == 0o600
    assert checkout.home.stat().st_mode & 0o777 == 0o700


def test_our_folders_come_first_and_once(checkout: Checkout) -> None:
    once = shell_environment.variables(checkout, {"PATH": "/bin"})
    assert shell_environment.variables(checkout, once) == once


def test_a_built_engine_is_on_path_only_when_it_was_built(tmp_path: Path) -> None:
    path = shell_environment.variables(Checkout(tmp_path), {"PATH": "/bin"})["PATH"]
    assert path == f"{tmp_path}/.venv/bin:/bin"

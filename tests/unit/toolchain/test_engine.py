"""Which Pulumi is used."""

from __future__ import annotations

from pathlib import Path

import pytest
from bootstrap import engine
from bootstrap.checkout import Checkout
from bootstrap.trouble import Trouble

ROOT = Path(__file__).parents[3]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def add(folder: Path, name: str, says: str = "") -> None:
    (folder / name).write_text(f"#!/bin/sh\necho '{says}'\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("version", "enough"),
    [
        ("v3.259.0", True),
        ("v3.260.0", True),
        ("v4.0.0", True),
        ("v3.258.9", False),
        ("v3.99.0", False),
        ("what?", False),
    ],
)
def test_an_installed_pulumi_must_be_new_enough(programs: Path, version: str, enough: bool) -> None:
    add(programs, "pulumi", version)
    add(programs, "pulumi-language-python")
    assert engine.installed("3.259.0") == (programs / "pulumi" if enough else None)


def test_an_installed_pulumi_without_its_language_host_does_not_count(programs: Path) -> None:
    add(programs, "pulumi", "v3.259.0")
    assert engine.installed("3.259.0") is None


def test_no_pulumi_and_no_go_is_one_line_that_says_what_to_do(programs: Path, tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    (tmp_path / "toolchain").mkdir()
    for name in ("go.mod", "go.sum", "pulumi-language-python"):
        (checkout.toolchain / name).write_text((ROOT / "toolchain" / name).read_text())
    add(programs, "go", "go1.19.8")
    with pytest.raises(Trouble) as trouble:
        engine.build(checkout)
    assert "install it with Pulumi's own installer" in str(trouble.value)
    assert len(str(trouble.value).splitlines()) == 1


def test_the_engine_and_the_sdk_are_pinned_to_the_same_version() -> None:
    requirements = (ROOT / "requirements.txt").read_text()
    assert f"\npulumi=={engine.pinned(Checkout(ROOT))} " in requirements

"""The package sources of a Debian release, out of what this computer's apt knows."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.build.apt_settings import host_sources
from soop_components.errors import SoopError

BOOKWORM = """\
http://deb.example/debian/|bookworm|bookworm|/usr/share/keyrings/debian.gpg
http://deb.example/debian-security/|bookworm-security|bookworm-security|$(SIGNED_BY)
"""


def known(folder: Path, monkeypatch: pytest.MonkeyPatch, targets: str) -> None:
    """Let apt know these sources."""
    for name, script in (("apt-get", f"[ $1 != indextargets ] || cat <<'X'\n{targets}X"), ("apt-config", "true")):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_sources_of_the_release_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(tmp_path, monkeypatch, BOOKWORM)
    assert host_sources("bookworm", tmp_path / "apt") == [
        "deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.example/debian/ bookworm main",
        "deb http://deb.example/debian-security/ bookworm-security main",
    ]


def test_another_release_comes_from_the_same_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(tmp_path, monkeypatch, BOOKWORM)
    assert host_sources("trixie", tmp_path / "apt") == [
        "deb [signed-by=/usr/share/keyrings/debian.gpg] http://deb.example/debian/ trixie main",
        "deb http://deb.example/debian-security/ trixie-security main",
    ]


def test_a_computer_without_debian_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known(tmp_path, monkeypatch, "")
    with pytest.raises(SoopError, match="the package sources of this machine have no trixie main"):
        host_sources("trixie", tmp_path / "apt")

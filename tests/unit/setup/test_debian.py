"""The base image's recipe, with stand-ins for the programs that need root and a network."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from soop_components.setup.base_image import RECIPE

SOURCES = ["deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.example/debian/ bookworm main"]
BOOTSTRAP = """\
printf '%s\\n' "$@" > "$SEEN"
for word; do case $word in /*.building) root=$word;; esac; done
mkdir -p "$root/etc/ssh" "$root/etc/apt/sources.list.d" "$root/var/lib/apt/lists" "$root/etc/systemd/system"
echo key > "$root/etc/ssh/ssh_host_rsa_key"
echo address > "$root/etc/apt/sources.list"
echo us > "$root/etc/hostname"
exit ${BOOTSTRAP_CODE:-0}
"""


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    add(folder, "apt-config", "echo 'Acquire::http::Proxy \"http://proxy.example:3128\";'")
    add(folder, "unshare", 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"')
    add(folder, "mmdebstrap", BOOTSTRAP)
    add(folder, "dpkg-query", "echo 'zlib 1 amd64'; echo 'base 2 all'")
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    monkeypatch.setenv("SEEN", str(tmp_path / "seen"))
    return folder


def add(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def build(images: Path, name: str = "debian-12") -> subprocess.CompletedProcess[str]:
    images.mkdir(exist_ok=True)
    owner = f"{os.getuid()}:{os.getgid()}"
    argv = [sys.executable, "-I", RECIPE, images, owner, name, "bookworm", *SOURCES]
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def test_the_digest_is_that_of_the_sorted_packages(programs: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    assert build(images).returncode == 0
    manifest = (images / "debian-12.manifest").read_bytes()
    assert manifest == b"base 2 all\nzlib 1 amd64\n"
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    assert json.loads((images / "debian-12.json").read_text()) == {"name": "debian-12", "digest": digest}


def test_packages_come_from_the_sources_that_are_given(programs: Path, tmp_path: Path) -> None:
    build(tmp_path / "images")
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen[seen.index("bookworm") + 2 :] == SOURCES
    assert '--aptopt=Acquire::http::Proxy "http://proxy.example:3128"' in seen


def test_the_image_holds_nothing_of_the_machine_that_built_it(programs: Path, tmp_path: Path) -> None:
    build(tmp_path / "images")
    root = tmp_path / "images" / "debian-12"
    for absent in ("etc/ssh/ssh_host_rsa_key", "etc/apt/sources.list", "etc/hostname"):
        assert not (root / absent).exists()
    assert (root / "etc/machine-id").read_text() == ""
    assert os.readlink(root / "etc/systemd/system/systemd-udevd.service") == "/dev/null"


def test_the_image_of_virtual_machines_has_what_a_machine_of_its_own_needs(programs: Path, tmp_path: Path) -> None:
    assert build(tmp_path / "images", "debian-12-vm").returncode == 0
    root = tmp_path / "images" / "debian-12-vm"
    assert "KERNEL /vmlinuz" in (root / "boot/extlinux.conf").read_text()
    assert not (root / "etc/systemd/system/systemd-udevd.service").is_symlink()
    assert (root / "etc/systemd/system/apt-daily.timer").is_symlink()
    seen = (tmp_path / "seen").read_text()
    (packages,) = (line for line in seen.splitlines() if line.startswith("--include="))
    assert {"openssh-server", "linux-image-cloud-amd64", "cloud-init"} < set(
        packages.removeprefix("--include=").split(",")
    )
    assert "manual_add_modules virtio_pci" in seen


def test_a_failed_build_shows_nothing_and_the_next_one_succeeds(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = tmp_path / "images"
    monkeypatch.setenv("BOOTSTRAP_CODE", "1")
    assert build(images).returncode != 0
    assert list(images.iterdir()) == []
    monkeypatch.delenv("BOOTSTRAP_CODE")
    assert build(images).returncode == 0
    assert sorted(path.name for path in images.iterdir()) == ["debian-12", "debian-12.json", "debian-12.manifest"]


def test_what_a_killed_build_left_is_removed(programs: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    (images / "debian-12.building" / "half").mkdir(parents=True)
    assert build(images).returncode == 0
    assert not (images / "debian-12.building").exists()
    assert not (images / "debian-12" / "half").exists()


def test_an_image_of_other_packages_stays_beside_the_new_one(programs: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    assert build(images).returncode == 0
    before = json.loads((images / "debian-12.json").read_text())["digest"]
    (images / "debian-12/first").touch()
    add(programs, "dpkg-query", "echo 'base 3 all'")
    assert build(images).returncode == 0
    assert (images / f"debian-12.{before[7:19]}/first").exists()
    assert not (images / "debian-12/first").exists()


def test_an_image_of_the_same_packages_takes_no_machine_its_own(programs: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    assert build(images).returncode == 0
    digest = json.loads((images / "debian-12.json").read_text())["digest"]
    used = (images / "debian-12").stat().st_ino
    for packages in ("base 2 all", "base 2 all", "base 3 all", "base 2 all", "base 3 all"):
        add(programs, "dpkg-query", f"echo 'zlib 1 amd64'; echo '{packages}'")
        assert build(images).returncode == 0
        assert (images / f"debian-12.{digest[7:19]}").stat().st_ino == used
        assert (images / "debian-12/etc/machine-id").is_file()

"""Disks of a Host: what is done with them by what is on them, with programs that are played."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from soop_components.machines.host.on_host import disks, files
from soop_components.machines.host.on_host.files import RefusedError

EXT4 = "DEVNAME=/dev/sdb\nUUID=1234-abcd\nTYPE=ext4\n"


class Machine:
    """A machine with one disk."""

    def __init__(self, folder: Path) -> None:
        self.units = folder / "units"
        self.units.mkdir()
        self.data = folder / "data"
        self.on_disk = ""
        self.ran: list[str] = []

    def run(self, argv: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        if argv[0] == "blkid":
            return subprocess.CompletedProcess(argv, 0 if self.on_disk else 2, self.on_disk, "")
        if argv[0] == "systemd-escape":
            return subprocess.CompletedProcess(argv, 0, "data.mount\n", "")
        if argv[0] == "mkfs.ext4":
            self.on_disk = EXT4
        self.ran.append(" ".join(argv))
        return subprocess.CompletedProcess(argv, 0, "", "")

    def mount(self) -> None:
        disks.mount([{"device": "/dev/sdb", "mount": str(self.data)}], 0)

    @property
    def unit(self) -> Path:
        return self.units / "data.mount"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(disks, "_UNITS", str(made.units))
    monkeypatch.setattr(disks, "_device", lambda path, seconds: path)
    monkeypatch.setattr(disks, "replace", lambda path, text, *_: Path(path).write_text(text))
    monkeypatch.setattr(subprocess, "run", made.run)
    assert files.subprocess is disks.subprocess
    return made


def test_a_blank_disk_is_formatted_mounted_and_grown(machine: Machine) -> None:
    machine.mount()
    assert machine.ran == [
        "mkfs.ext4 -q /dev/sdb",
        "systemctl daemon-reload",
        "systemctl enable --quiet --now data.mount",
        "resize2fs /dev/sdb",
    ]
    assert f"What=/dev/disk/by-uuid/1234-abcd\nWhere={machine.data}\nType=ext4\n" in machine.unit.read_text()


def test_a_disk_with_a_file_system_keeps_it_and_a_second_time_nothing_is_written(machine: Machine) -> None:
    machine.on_disk = EXT4
    machine.mount()
    machine.ran.clear()
    machine.mount()
    assert machine.ran == ["systemctl enable --quiet --now data.mount", "resize2fs /dev/sdb"]


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ("TYPE=swap\nUUID=1\n", "swap"),
        ("PTTYPE=gpt\n", "gpt"),
        ("TYPE=LVM2_member\nUUID=1\n", "LVM2_member"),
        ("DEVNAME=/dev/sdb\n", "something unknown"),
    ],
)
def test_a_disk_that_holds_anything_else_is_refused(machine: Machine, found: str, what: str) -> None:
    machine.on_disk = found
    with pytest.raises(RefusedError, match=f"the disk /dev/sdb holds {what}, and soop formats only a blank one"):
        machine.mount()
    assert machine.ran == []


def test_files_that_a_disk_would_hide_are_refused(machine: Machine) -> None:
    machine.data.mkdir()
    (machine.data / "report").touch()
    with pytest.raises(RefusedError, match="holds files, which the disk /dev/sdb would hide"):
        machine.mount()
    assert machine.ran == []


def test_a_mount_of_somebody_else_is_refused(machine: Machine) -> None:
    machine.on_disk = EXT4
    machine.unit.write_text("[Mount]\nWhat=/dev/sdc\n")
    with pytest.raises(RefusedError, match="mounts another disk there"):
        machine.mount()


def test_only_our_disks_are_let_go(machine: Machine) -> None:
    machine.mount()
    (machine.units / "srv.mount").write_text("[Mount]\nWhat=/dev/sdc\n")
    machine.ran.clear()
    disks.unmount()
    assert machine.ran == ["systemctl disable --now data.mount", "systemctl daemon-reload"]
    assert [path.name for path in machine.units.iterdir()] == ["srv.mount"]


def test_a_disk_that_never_shows_itself_is_named() -> None:
    with pytest.raises(RefusedError, match="there is no disk /dev/soop-test-absent"):
        disks.mount([{"device": "/dev/soop-test-absent", "mount": "/srv"}], 0)


def test_what_is_no_disk_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="is no disk"):
        disks.mount([{"device": str(tmp_path), "mount": "/srv"}], 0)

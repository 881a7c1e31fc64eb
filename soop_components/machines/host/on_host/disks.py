"""Disks: formatted only if they are blank, mounted by UUID, as large as they can be."""

from __future__ import annotations

import os
import stat
import subprocess
import time
from glob import glob

from soop_components.machines.host.on_host.files import Answer, RefusedError, output, replace

_UNITS = "/etc/systemd/system"
_MARK = "# Made by soop, for the node that this machine is: do not edit."
_GROWN = {"ext4": ["resize2fs"], "xfs": ["xfs_growfs"]}
"""By file system, what makes it as large as its disk."""
_BLANK = 2
"""Exit code of blkid for a disk on which it finds nothing."""
_PAUSE = 0.2
_UNIT = """{mark}
[Unit]
Description=Disk of soop at {mount}

[Mount]
What=/dev/disk/by-uuid/{uuid}
Where={mount}
Type={kind}

[Install]
WantedBy=local-fs.target
"""


def mount(disks: list[dict[str, str]], seconds: float) -> Answer:
    """Mount each disk, ``{device, mount}``, that shows itself within this time; all that there is stays on it."""
    for disk in disks:
        device, path = _device(disk["device"], seconds), disk["mount"]
        found = _file_system(device)
        if not os.path.ismount(path) and os.path.isdir(path) and os.listdir(path):
            raise RefusedError(f"{path} holds files, which the disk {device} would hide; move them away")
        if found is None:
            _must("mkfs.ext4", "-q", device)
            found = _file_system(device) or {}
        kind, uuid = found.get("TYPE", ""), found.get("UUID", "")
        if kind not in _GROWN or not uuid:
            what = kind or found.get("PTTYPE") or "something unknown"
            raise RefusedError(f"the disk {device} holds {what}, and soop formats only a blank one")
        _mount(path, kind, uuid)
        _must(*_GROWN[kind], device if kind == "ext4" else path)
    return {}


def unmount() -> Answer:
    """Let go of all disks that were mounted here; what is on them stays."""
    for path in glob(f"{_UNITS}/*.mount"):
        with open(path, encoding="utf-8", errors="replace") as file:
            ours = file.readline().rstrip("\n") == _MARK
        if ours:
            _must("systemctl", "disable", "--now", os.path.basename(path))
            os.unlink(path)
            _must("systemctl", "daemon-reload")
    return {}


def _device(path: str, seconds: float) -> str:
    """Return a block device, which may show itself some time after it was attached."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if stat.S_ISBLK(os.stat(path).st_mode):
                return os.path.realpath(path)
            raise RefusedError(f"{path} is no disk")
        except FileNotFoundError:
            if time.monotonic() > deadline:
                raise RefusedError(f"there is no disk {path}") from None
        time.sleep(_PAUSE)


def _file_system(device: str) -> dict[str, str] | None:
    """Return what is on a disk, in the words of blkid; None if it is blank."""
    argv = ["blkid", "--probe", "--output", "export", device]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode == _BLANK:
        return None
    if done.returncode != 0:
        raise RefusedError(f"blkid cannot tell what is on {device} (exit code {done.returncode})")
    return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)


def _mount(path: str, kind: str, uuid: str) -> None:
    unit = output("systemd-escape", "--path", "--suffix=mount", path)
    text = _UNIT.format(mark=_MARK, mount=path, uuid=uuid, kind=kind)
    try:
        with open(f"{_UNITS}/{unit}", encoding="utf-8") as file:
            known = file.read()
    except FileNotFoundError:
        known = ""
    if known and not known.startswith(_MARK):
        raise RefusedError(f"{_UNITS}/{unit} mounts another disk there")
    if known != text:
        replace(f"{_UNITS}/{unit}", text, 0o644, 0, 0)
        _must("systemctl", "daemon-reload")
    _must("systemctl", "enable", "--quiet", "--now", unit)


def _must(*argv: str) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RefusedError(f"{' '.join(argv)} failed: {(done.stderr or done.stdout).strip()[-500:]}")

"""Makes the disk image that virtual machines start from, out of a system that debian.py has built.

Run as root with Debian's own Python: ``virtual_disk.py ROOT IMAGE OWNER`` writes IMAGE, a qcow2 file that belongs to
OWNER (``uid:gid``). It is one ext4 file system without partitions, which so grows with its disk, and out of which a
BIOS starts extlinux.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = 2 << 30
"""Bytes of the file system; disks of machines are larger."""
OLD_ENOUGH = "^64bit,^metadata_csum"
"""What extlinux cannot read is left out of the file system."""


def main(root: Path, image: Path, owner: str) -> None:
    """Show the image only when it is complete."""
    with tempfile.TemporaryDirectory(dir=image.parent, prefix=".disk-") as scratch:
        raw, fresh = Path(scratch, "raw"), Path(scratch, "qcow2")
        with raw.open("wb") as file:
            file.truncate(SIZE)
        _run("mkfs.ext4", "-q", "-F", "-L", "soop-root", "-O", OLD_ENOUGH, "-d", root, raw)
        mounted = Path(scratch, "mounted")
        mounted.mkdir()
        _run("mount", "-o", "loop", raw, mounted)
        try:
            _run("extlinux", "--install", mounted / "boot")
        finally:
            _run("umount", mounted)
        _run("qemu-img", "convert", "-O", "qcow2", raw, fresh)
        user, group = owner.split(":")
        os.chown(fresh, int(user), int(group))
        fresh.replace(image)


def _run(*argv: str | Path) -> None:
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])

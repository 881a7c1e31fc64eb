"""Debian's image for clouds, as far as it matters here: our base image with cloud-init, which waits for its orders.

Run as root with Debian's own Python: ``image.py IMAGES OWNER BASE NAME DEB…`` makes the image NAME in the folder
IMAGES, out of the folder BASE and packages.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

NAME = "debian-12-cloud"
SEED = "var/lib/cloud/seed/nocloud"
"""Where an instance finds what it is told: ``user-data`` and ``meta-data``, whole once ``complete`` is there."""
_FILES = {
    "etc/cloud/cloud.cfg.d/90_seed.cfg": "datasource_list: [NoCloud]\nnetwork: {config: disabled}\n",
    "etc/systemd/system/cloud-init-local.service.d/seed.conf": (
        f"[Service]\nExecStartPre=/bin/sh -c 'until [ -e /{SEED}/complete ]; do sleep 0.1; done'\n"
    ),
}
_MKFS = """\
#!/bin/sh
set -e
/usr/sbin/mkfs.ext4 "$@"
for device; do :; done
ln -sf "$device" "/dev/disk/by-uuid/$(blkid -p -o value -s UUID "$device")"
"""
"""Does what udev would do: there is none on a local machine."""


def main(images: Path, owner: str, base: Path, name: str, packages: list[Path]) -> None:
    """Build the image; it is complete when ``NAME.json`` is there."""
    building, record = images / f"{name}.building", images / f"{name}.json"
    for folder in (building, images / name):
        subprocess.run(["rm", "-rf", "--one-file-system", "--", folder], check=True)
    subprocess.run(["cp", "-a", "--reflink=auto", "--", base, building], check=True)
    for path in packages:
        shutil.copy(path, building / "tmp" / f"{path.name}.deb")
    command = "dpkg --force-unsafe-io -i /tmp/*.deb && rm /tmp/*.deb"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    subprocess.run(["chroot", building, "sh", "-c", command], check=True, env=environment)
    for file, text in _FILES.items():
        (building / file).parent.mkdir(parents=True, exist_ok=True)
        (building / file).write_text(text)
    mkfs = building / "usr/local/sbin/mkfs.ext4"
    mkfs.write_text(_MKFS)
    mkfs.chmod(0o755)
    building.rename(images / name)
    digest = hashlib.sha256(" ".join(sorted(path.name for path in packages)).encode()).hexdigest()
    record.write_text(json.dumps({"name": name, "digest": f"sha256:{digest}"}))
    user, group = owner.split(":")
    os.chown(record, int(user), int(group))


if __name__ == "__main__":
    folder, owner, base, name, *packages = sys.argv[1:]
    main(Path(folder), owner, Path(base), name, list(map(Path, packages)))

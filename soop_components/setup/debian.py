"""Builds a base image such as ``debian-12``: the system that the machines of a local domain start from.

``debian-12-vm`` is that of virtual machines: the same, with a kernel, cloud-init, and what a machine of its own needs.

Run as root with Debian's own Python: ``debian.py IMAGES OWNER debian-12 bookworm SOURCE…`` makes, in the folder IMAGES,

* ``debian-12/``: the root file system, owned by root;
* ``debian-12.manifest``: its packages, one sorted line ``name version architecture`` each;
* ``debian-12.json``: ``{"name": "debian-12", "digest": "sha256:…"}``, the digest of the manifest; its presence says
  that the image is complete. These two belong to OWNER (``uid:gid``).

The image that was there before stays beside it, as ``debian-12.<first twelve digits of its digest>``: machines that
were made from it go on with it until they are replaced.

Packages come from SOURCE, lines of a sources.list, over this machine's ways to them. A killed build leaves only
``debian-12.building/``, which the next one removes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PACKAGES = (
    "systemd",
    "systemd-sysv",
    "dbus",  # systemctl and systemd-run speak to systemd through it
    "openssh-server",
    "python3",  # the runner's only need; python3-minimal lacks json and tarfile
    "iproute2",
    "procps",
    "netbase",
    "ca-certificates",
)
VIRTUAL = (
    "linux-image-cloud-amd64",
    "initramfs-tools",
    "udev",
    "e2fsprogs",
    "nftables",  # in a routed network each guards its ports
    "cloud-init",
    "netplan.io",  # carries out the network that cloud-init finds
)
"""What a virtual machine has besides."""
WITHOUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*")
"""Paths that packages do not unpack, now and later on a node: nobody reads them there."""
HARDWARE = (
    "systemd-udevd.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udev-trigger.service",
    "systemd-udev-settle.service",
    "systemd-modules-load.service",
    "systemd-hwdb-update.service",
    "systemd-random-seed.service",
    "systemd-pstore.service",
    "systemd-remount-fs.service",
    "systemd-timesyncd.service",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-fs-fuse-connections.mount",
    "proc-sys-fs-binfmt_misc.automount",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-networkd-wait-online.service",
)
"""Units of hardware, kernel and network, which belong to the host of a local machine."""
MASKED = (
    "console-getty.service",
    "getty.target",
    "systemd-logind.service",
    "systemd-firstboot.service",
    "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
)
"""Units of people at a screen, and of packages that change by themselves."""
VIRTUAL_MASKED = tuple(unit for unit in MASKED if unit != "systemd-logind.service")
"""Virtual machines have a power button, which it hears."""
FILES = {
    "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "etc/machine-id": "",
    "etc/default/locale": "LANG=C.UTF-8\n",
    "etc/ssh/sshd_config.d/soop.conf": (
        "# Root comes in by key only; the host key is put in when the machine is made.\n"
        "HostKey /etc/ssh/ssh_host_ed25519_key\n"
        "PermitRootLogin prohibit-password\n"
        "PasswordAuthentication no\n"
        "KbdInteractiveAuthentication no\n"
        "UseDNS no\n"
        "X11Forwarding no\n"
        "PrintMotd no\n"
    ),
    "etc/systemd/journald.conf.d/soop.conf": "[Journal]\nStorage=persistent\nSystemMaxUse=64M\nForwardToSyslog=no\n",
    "etc/systemd/system.conf.d/soop.conf": "[Manager]\nDefaultTimeoutStopSec=15s\n",
}
VIRTUAL_FILES = {
    "etc/fstab": "LABEL=soop-root / ext4 defaults,noatime 0 1\n",
    "etc/cloud/cloud.cfg.d/99_soop.cfg": (
        "datasource_list: [NoCloud]\n"
        "system_info: {network: {renderers: [netplan]}}\n"
        "apt_preserve_sources_list: true\n"
        # What comes to a machine so is all done at its first stage; two more would only start Python anew.
        "cloud_init_modules: [resizefs, set_hostname, users_groups, ssh]\n"
        "cloud_config_modules: []\n"
        "cloud_final_modules: []\n"
    ),
    "boot/extlinux.conf": (
        "DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n"
        " KERNEL /vmlinuz\n INITRD /initrd.img\n APPEND root=LABEL=soop-root ro console=ttyS0 no_timer_check quiet\n"
    ),
}
EARLY_FILES = {
    "etc/initramfs-tools/conf.d/soop": "MODULES=list\n",
    "etc/initramfs-tools/hooks/soop": (
        '#!/bin/sh\n[ "$1" = prereqs ] && exit\n. /usr/share/initramfs-tools/hook-functions\n'
        "manual_add_modules virtio_pci virtio_blk virtio_scsi sd_mod ext4\n"
    ),
}
"""What the kernel's package reads when it is unpacked: the disks of virtual machines are all that it needs to know."""
ABSENT = (
    "etc/hostname",
    "etc/resolv.conf",
    "etc/apt/sources.list",
    "etc/dpkg/dpkg.cfg.d/soop-build",
    "var/lib/dbus/machine-id",
    "var/cache/ldconfig/aux-cache",
)
ABSENT_PATTERNS = (
    "etc/ssh/ssh_host_*",
    "etc/apt/sources.list.d/*",
    "var/lib/apt/lists/*",
    "var/cache/apt/*.bin",
    "var/log/**/*.log",
)


def main(images: Path, owner: str, name: str, release: str, sources: Sequence[str]) -> None:
    """Build the image into ``images`` and show it only when it is complete."""
    building, done, record = images / f"{name}.building", images / name, images / f"{name}.json"
    # Held by all that work on the image: if this process is killed, the next build waits for the last of them.
    lock = os.open(images, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    _remove(building)
    try:
        is_virtual = name.endswith("-vm")
        packages, early = ((*PACKAGES, *VIRTUAL), EARLY_FILES) if is_virtual else (PACKAGES, {})
        _bootstrap(building, lock, release, sources, packages, early)
        _settle(building, VIRTUAL_MASKED if is_virtual else (*HARDWARE, *MASKED))
        if is_virtual:
            _put(building, VIRTUAL_FILES)
        manifest = _manifest(building)
    except BaseException:
        _remove(building)
        raise
    digest = "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()
    _set_aside(images, name)
    record.unlink(missing_ok=True)
    _remove(done)
    building.rename(done)
    _write(images / f"{name}.manifest", manifest, owner)
    _write(record, json.dumps({"name": name, "digest": digest}) + "\n", owner)


def _set_aside(images: Path, name: str) -> None:
    """Keep a complete image beside the new one; where one of the same packages is kept, machines use that one."""
    try:
        before = json.loads((images / f"{name}.json").read_text())["digest"]
    except (OSError, ValueError, KeyError):
        return
    kept = images / f"{name}.{before.removeprefix('sha256:')[:12]}"
    if (images / name).is_dir() and not kept.exists():
        (images / name).rename(kept)


def _bootstrap(
    target: Path,
    lock: int,
    release: str,
    sources: Sequence[str],
    packages: Sequence[str],
    early: Mapping[str, str],
) -> None:
    argv = [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(packages)}",
        "--aptopt=APT::Install-Recommends false",
        *(f"--aptopt={line}" for line in _proxies()),
        *(f"--dpkgopt=path-exclude={path}" for path in WITHOUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        # Nothing is lost when the host fails meanwhile: a build starts anew. Not kept in the image.
        '--setup-hook=mkdir -p "$1/etc/dpkg/dpkg.cfg.d" && echo force-unsafe-io > "$1/etc/dpkg/dpkg.cfg.d/soop-build"',
        *(f"--setup-hook={_written(path, content)}" for path, content in early.items()),
        release,
        str(target),
        *sources,
    ]
    # In a mount and process namespace of its own: whatever ends this process ends all of the build, mounts included.
    alone = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    subprocess.run([*alone, *argv], check=True, pass_fds=(lock,))


def _written(path: str, content: str) -> str:
    """Return the shell command that writes a program before packages are unpacked."""
    return f'printf %s {shlex.quote(content)} | install -D -m 755 /dev/stdin "$1/{path}"'


def _proxies() -> list[str]:
    """Return this machine's settings for apt's way to the network."""
    dump = subprocess.run(["apt-config", "dump"], check=True, capture_output=True, text=True).stdout
    return [line.rstrip(";") for line in dump.splitlines() if re.match(r'Acquire::https?::.*Proxy.* ".+"', line)]


def _settle(root: Path, masked: Sequence[str]) -> None:
    """Take out what belongs to one machine only, and put in what all of them share."""
    for path in ABSENT:
        (root / path).unlink(missing_ok=True)
    for pattern in ABSENT_PATTERNS:
        for found in root.glob(pattern):
            shutil.rmtree(found) if found.is_dir() and not found.is_symlink() else found.unlink()
    _put(root, FILES)
    for unit in masked:
        link = root / "etc/systemd/system" / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    target = root / "etc/systemd/system/default.target"
    target.unlink(missing_ok=True)
    target.symlink_to("/lib/systemd/system/multi-user.target")


def _put(root: Path, files: Mapping[str, str]) -> None:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)


def _manifest(root: Path) -> str:
    show = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W", "-f", r"${Package} ${Version} ${Architecture}\n"]
    lines = subprocess.run(show, check=True, capture_output=True, text=True).stdout.splitlines()
    return "".join(f"{line}\n" for line in sorted(lines))


def _write(path: Path, text: str, owner: str) -> None:
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    user, group = owner.split(":")
    os.chown(fresh, int(user), int(group))
    fresh.replace(path)


def _remove(folder: Path) -> None:
    """Remove a root file system, never what may still be mounted in it."""
    if folder.is_dir() and not folder.is_symlink():
        subprocess.run(["rm", "-rf", "--one-file-system", "--", folder], check=True)


if __name__ == "__main__":
    images, owner, name, release, *sources = sys.argv[1:]
    main(Path(images), owner, name, release, sources)

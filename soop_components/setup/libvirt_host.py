"""Makes this computer one on which libvirt runs machines, as far as that is nobody's choice."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from soop_components.errors import SoopError
from soop_components.project import Project
from soop_components.setup import system_packages
from soop_components.setup.root_access import as_root
from soop_components.setup.system_packages import Need

NEEDS = (
    Need("libvirt-daemon-system", "libvirtd", "runs virtual machines"),
    Need("libvirt-clients", "virsh", "speaks to it"),
    Need("qemu-system-x86", "qemu-system-x86_64", "the machines themselves"),
    Need("qemu-utils", "qemu-img", "their disks"),
    Need("dnsmasq-base", "dnsmasq", "their networks"),
    Need("extlinux", "extlinux", "starts their image"),
    Need("genisoimage", "mkisofs", "libvirt's provider writes cloud-init disks with it"),
    Need("xsltproc", "xsltproc", "libvirt's provider describes machines with it"),
)
POOL = "default"
_FOLDER = "/var/lib/libvirt/images"


def ensure(project: Project) -> None:
    """Install what is missing, and make the storage pool ``default`` if there is none.

    Raises ``SoopError`` where libvirt does not answer.
    """
    system_packages.ensure(project, NEEDS)
    answer = _virsh("list", "--name")
    if answer.returncode:
        said = answer.stderr.strip().splitlines()[-1:] or ["it says nothing"]
        raise SoopError(
            f"libvirt does not answer at qemu:///system: {said[0]}",
            "start it: sudo systemctl enable --now libvirtd; then `soop setup --libvirt` once more",
        )
    if _virsh("pool-info", POOL).returncode:
        _must("pool-define-as", POOL, "dir", "--target", _FOLDER)
        _must("pool-build", POOL)
        _must("pool-start", POOL)
        _must("pool-autostart", POOL)


def _virsh(*words: str) -> subprocess.CompletedProcess[str]:
    argv: Sequence[object] = as_root(["virsh", "--connect", "qemu:///system", *words])
    return subprocess.run([*map(str, argv)], capture_output=True, text=True, check=False)


def _must(*words: str) -> None:
    done = _virsh(*words)
    if done.returncode:
        raise SoopError(f"virsh {' '.join(words)} failed: {done.stderr.strip()}")

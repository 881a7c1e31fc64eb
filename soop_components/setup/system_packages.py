"""Debian packages that this machine needs."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from typing import NamedTuple

from soop_components.errors import SoopError
from soop_components.project import Project
from soop_components.setup import step
from soop_components.setup.root_access import as_root


class Need(NamedTuple):
    """A package, the program that shows that it is there on any system, and what it is for."""

    package: str
    program: str
    purpose: str


MACHINES = (
    Need("python3", "python3", "the part that works as root"),
    Need("mmdebstrap", "mmdebstrap", "makes the base image"),
    Need("systemd-container", "systemd-nspawn", "runs local machines"),
    Need("iproute2", "ip", "their network"),
    Need("nftables", "nft", "keeps domains apart"),
    Need("e2fsprogs", "mkfs.ext4", "their disks"),
    Need("openssh-client", "ssh", "`soop ssh`"),
)
TESTS = (
    Need("skopeo", "skopeo", "reads the artifact store as a stranger would"),
    Need("gnupg", "gpg-agent", "signs the package source of a test"),
)
WAIT = ("-o", "DPkg::Lock::Timeout=300")
"""A fresh machine is often busy updating itself."""
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def ensure(project: Project, needs: Iterable[Need]) -> None:
    """Install what is missing of ``needs``, and only that, with apt."""
    missing = [need for need in needs if shutil.which(need.program, path=_SYSTEM_PATH) is None]
    if not missing:
        return
    names = [need.package for need in missing]
    if shutil.which("apt-get") is None:
        programs = ", ".join(f"{need.program} ({need.purpose})" for need in missing)
        raise SoopError(f"this system has no apt to install them with, so please install: {programs}")
    update = as_root(["apt-get", "-q", "update"])
    step.run("fetching the lists of packages", update, project.logs / "apt-update.log")
    apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "--no-install-recommends", *WAIT]
    step.run(f"installing {', '.join(names)}", as_root([*apt, "install", *names]), project.logs / "apt-install.log")


def has_venv(python: str) -> bool:
    """Return whether ``python`` can make virtual environments; Debian keeps the means in a package of its own."""
    return subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False).returncode == 0

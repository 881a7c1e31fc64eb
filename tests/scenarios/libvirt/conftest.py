"""A project whose environment is at the libvirt of this computer, driven by what stands in for its provider."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from soop_components.setup.virtual_image import image_of
from tests.native import EXTRAS, FOLDER
from tests.scenarios.ground import as_root
from tests.scenarios.workspace import CHECKOUT, Workspace, eventually, workspace
from tests.virtual import hypervisor

_ENVIRONMENT = """\
machines: libvirt
security: {{shared_passphrase: true}}
sizes: {{small: {{cpus: 1, memory: 512MiB}}}}
libvirt:
  pool: {pool}
  type: qemu
  network: {{addresses: 10.200.0.0/16}}
  root_volume: 3
  images: {{debian-12: {{file: {image}, sha256: {digest}}}}}
"""
_POOL = re.compile("soop-([0-9a-f]{8})")
_LOGS = "/var/log/libvirt/qemu"
_LOCK = Path(tempfile.gettempdir(), "soop-libvirt-tests.lock")


@dataclass
class Room:
    """The project, and what exists of it at libvirt."""

    project: Workspace
    pool: str
    domain: str

    def define(self, service: str) -> None:
        """Write the domain's definition, with one service, as YAML."""
        definition = f"config:\n  soop:environment: room\n  soop:services:\n    - {service}\n"
        (self.project.root / f"stacks/Pulumi.{self.domain}.yaml").write_text(definition)
        self.project.must("pulumi", "stack", "init", self.domain)

    def ssh(self, node: str, command: str) -> str:
        """Return what a command on a node prints; an emulated machine may be too busy to answer at once."""
        said: list[str] = []

        def answers() -> bool:
            ended = self.project.run("soop", "ssh", node, command)
            said.append(ended.text)
            return ended.exit_code == 0

        eventually(answers, 900)
        return said[-1].strip()

    def volumes(self) -> set[str]:
        """Return the names of the volumes in the pool."""
        return {line.split()[0] for line in hypervisor.virsh("vol-list", self.pool).splitlines()}

    def machines(self) -> set[str]:
        """Return the names of the domain's machines that libvirt knows."""
        return machines_of(self.domain)


class Place(NamedTuple):
    """Where the machines of a domain are at libvirt."""

    mark: str

    @property
    def pool(self) -> str:
        return f"soop-{self.mark}"

    @property
    def domain(self) -> str:
        return f"room-x{self.mark}"

    @property
    def folder(self) -> str:
        return f"/var/lib/libvirt/{self.pool}"

    def remove(self) -> None:
        """Remove all that is there."""
        for name in machines_of(self.domain):
            hypervisor.remove_machine(hypervisor.virsh("domuuid", name))
        if hypervisor.exists("net-uuid", self.domain):
            hypervisor.remove_network(hypervisor.virsh("net-uuid", self.domain))
        if hypervisor.exists("pool-uuid", self.pool):
            hypervisor.virsh("pool-destroy", self.pool)
        as_root("rm", "-rf", "--one-file-system", self.folder)
        logs = ["find", _LOGS, "-name", f"*.{self.domain}.*"]
        print(as_root(*logs, "-exec", "tail", "-n", "20", "{}", "+"))  # seen where a test has failed
        as_root(*logs, "-delete")


@contextmanager
def place() -> Iterator[Place]:
    """Yield a place of its own, with a storage pool; nothing of it is left afterwards, nor of those of killed runs."""
    with _alone():
        for pool in hypervisor.virsh("pool-list", "--all", "--name").split():
            if left := _POOL.fullmatch(pool):
                Place(left[1]).remove()
        made = Place(secrets.token_hex(4))
        try:
            as_root("mkdir", made.folder)
            hypervisor.virsh("pool-create-as", made.pool, "dir", "--target", made.folder)
            yield made
        finally:
            made.remove()


@pytest.fixture
def room() -> Iterator[Room]:
    """Yield a project whose environment is at libvirt; nothing of it is left afterwards."""
    with place() as at, workspace("libvirt") as project:
        project.too_long = 3600  # emulated processors are slow, more so beside other tests
        made = Room(project, at.pool, at.domain)
        _write(made)
        yield made


@contextmanager
def _alone() -> Iterator[None]:
    """Let one run of the tests at a time be at the libvirt of this computer, which removes what killed ones left."""
    lock = os.open(_LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def machines_of(domain: str) -> set[str]:
    """Return the names of a domain's machines that libvirt knows."""
    names = hypervisor.virsh("list", "--all", "--name").split()
    return {name for name in names if name.endswith(f".{domain}")}


def _write(room: Room) -> None:
    project = room.project
    image = image_of(project.project, "debian-12")
    os.link(image_of(type(project.project)(CHECKOUT), "debian-12"), image)
    with image.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    settings = _ENVIRONMENT.format(pool=room.pool, image=image.relative_to(project.root), digest=digest)
    (project.root / "stacks/environments/room.yaml").write_text(settings)
    _add_plugin(project, project.root / "cloud")


def _add_plugin(project: Workspace, folder: Path) -> None:
    program = project.root / "programs/pulumi-resource-libvirt"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-m", "tests.virtual.real_plugin"])} "$@"\n')
    program.chmod(0o755)
    project.environment |= {
        "PATH": f"{program.parent}{os.pathsep}{project.environment['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(EXTRAS)]),
        FOLDER: str(folder),
    }

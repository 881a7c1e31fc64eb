"""A project whose machines are at AWS: at a stand-in whose instances really run, on this host."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from soop_components.machines.local.local_machines import LocalMachines
from tests.amazon import ACCOUNT, image
from tests.amazon.effects import RUNNING
from tests.amazon.root import as_root
from tests.amazon.volumes import Volumes, forget_lost
from tests.native import EXTRAS, FOLDER
from tests.scenarios.workspace import CHECKOUT, Workspace, workspace
from tests.scenarios.workspace import FOLDER as SCENARIOS

IMAGES = CHECKOUT / ".soop/images/of-tests"
"""Where the image of instances is kept: beside the base images, with which `make clean` removes it."""
_ENVIRONMENT = f"""\
machines: aws
security: {{ssh_from: [10.64.0.0/11, 172.16.0.0/12, 198.18.0.0/15], shared_passphrase: true}}
aws:
  region: eu-west-1
  account: "{ACCOUNT}"
  vpc: vpc-0123456789abcdef0
  subnets: {{eu-west-1a: subnet-0123456789abcde0a}}
  images: {{debian-12: ami-0123456789abcdef0}}
  instance_types: {{small: t3.small}}
"""
"""Of a deployer that may have any of the addresses that hosts of local machines have."""
_CLOUD_INIT = """\
format: 1
service: image-service
version: 1.0.0
summary: What Debian's image for clouds has, and our base image has not.
base: debian-12
components:
  all: {uses: debian_packages, with: {packages: [cloud-init]}}
nodes:
  web: {components: [all]}
"""


@pytest.fixture
def project() -> Iterator[Workspace]:
    """A project with the environment ``cloud``."""
    with workspace("amazon") as project:
        plugin = project.root / "plugins/pulumi-resource-aws"
        plugin.parent.mkdir()
        plugin.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-m", "tests.amazon.plugin"])} "$@"\n')
        plugin.chmod(0o755)
        project.environment |= {
            "PATH": f"{plugin.parent}{os.pathsep}{project.environment['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(CHECKOUT), str(EXTRAS)]),
            FOLDER: str(project.root / "cloud"),
            RUNNING: str(project.root),
        }
        (project.root / "stacks/environments/cloud.yaml").write_text(_ENVIRONMENT)
        _provide_image(project)
        forget_lost(SCENARIOS)
        try:
            yield project
        finally:
            asyncio.run(LocalMachines(project.project).clean())
            Volumes(project.root / "cloud").detach_all()


def _provide_image(project: Workspace) -> None:
    """Give a project the image of instances, made once for this checkout and its base image."""
    IMAGES.mkdir(exist_ok=True)
    recipe = Path(image.__file__).read_bytes() + (project.project.images / "debian-12.json").read_bytes()
    wanted = hashlib.sha256(recipe).hexdigest()
    with (IMAGES / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = IMAGES / "made-from"
        if not stamp.exists() or stamp.read_text() != wanted:
            owner, base = f"{os.getuid()}:{os.getgid()}", str(project.project.images / "debian-12")
            packages = map(str, _packages_of_cloud_init(project))
            recipe = ["/usr/bin/python3", "-I", image.__file__, str(IMAGES), owner]
            as_root(*recipe, base, image.NAME, *packages)
            stamp.write_text(wanted)
        for name in (image.NAME, f"{image.NAME}.json"):
            as_root("cp", "-al", str(IMAGES / name), str(project.project.images / name))


def _packages_of_cloud_init(project: Workspace) -> list[Path]:
    """Fetch cloud-init and what it needs, in the way in which services get their packages."""
    folder = project.root / "service_defs/image-service"
    folder.mkdir()
    (folder / "service.yaml").write_text(_CLOUD_INIT)
    project.must("soop", "lock", str(folder))
    project.must("soop", "build", str(folder))
    lock = yaml.safe_load((folder / "service.lock").read_text())
    shutil.rmtree(folder)
    return [project.project.store / "blobs/sha256" / each["sha256"] for each in lock["packages"].values()]

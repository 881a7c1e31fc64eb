"""``soop setup``: makes this computer ready for the project."""

from __future__ import annotations

import argparse

from soop_components.artifact.base_image import SUITES
from soop_components.cli.terminal import say
from soop_components.errors import InvalidInput
from soop_components.model.problem import unknown
from soop_components.project import Project
from soop_components.setup import (
    base_image,
    libvirt_host,
    setup_lock,
    shell_environment,
    system_packages,
    virtual_image,
)

HELP = "make this computer ready for the project"
DESCRIPTION = """\
Makes this computer ready for the project: installs the system packages that local machines need (with apt, as root or
through sudo), builds the base images that the project's service definitions name (half a minute each), and writes
.soop/env, with which pulumi and soop work in a shell: `. .soop/env`. What is ready already is left alone.

`soop setup --refresh` builds base images anew with the newest packages. Machines stay what they are until they are
replaced: `soop replace DOMAIN`.

`soop setup --libvirt` makes this computer one on which libvirt runs machines, too: it installs libvirt and QEMU, makes
the storage pool `default` if there is none, and builds the images that virtual machines start from. What an
environment's file has to say of them is printed. An image stays what it is until --refresh.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb is given."""
    parser.add_argument("bases", nargs="*", metavar="BASE", help=f"base images to build: {', '.join(SUITES)}")
    parser.add_argument("--libvirt", action="store_true", help="make virtual machines of libvirt possible here, too")
    parser.add_argument("--refresh", action="store_true", help="build them anew, with the newest packages")


def run(arguments: argparse.Namespace) -> int:
    """Do what is missing."""
    project = Project.find()
    for name in arguments.bases:
        if name not in SUITES:
            raise InvalidInput([unknown("base image", name, SUITES)])
    with setup_lock(project):
        system_packages.ensure(project, system_packages.MACHINES)
        bases = arguments.bases or base_image.needed(project, tuple(SUITES))
        for name in bases:
            base_image.ensure(project, name, SUITES[name], refresh=arguments.refresh)
        shell_environment.ensure(project)
        if arguments.libvirt:
            libvirt_host.ensure(project)
            lines = ["for the file of an environment with `machines: libvirt`:", "libvirt:", "  images:"]
            for name in bases:
                image = virtual_image.ensure(project, name, SUITES[name], refresh=arguments.refresh)
                lines.append(virtual_image.setting(project, name, image))
            say("\n".join(lines))
    say("ready; in a shell: . .soop/env")
    return 0

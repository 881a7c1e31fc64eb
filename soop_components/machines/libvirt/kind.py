"""The kind ``libvirt``, and where each of its parts is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shutil import which
from typing import TYPE_CHECKING, cast

from soop_components.errors import SoopError
from soop_components.machines import DomainContext, Infrastructure, Kind, Operations
from soop_components.machines.host import HOST

if TYPE_CHECKING:
    from soop_components.machines.libvirt.settings import LibvirtEnvironment
    from soop_components.model.capacity import Demand
    from soop_components.model.environment import Environment
    from soop_components.model.problem import Problem
    from soop_components.project import Project
    from soop_components.provider.resource import Resource

_PROGRAMS = {"mkisofs": "genisoimage", "xsltproc": "xsltproc"}
"""Programs that libvirt's provider runs, and Debian's packages of them."""


class Libvirt(Kind):
    """Domains and volumes of libvirt."""

    name = "libvirt"
    sdk = "pulumi_libvirt"
    machine_type = HOST
    disk_type = "libvirt:index/volume:Volume"
    has_snapshots = True
    replaces_in_turn = True
    enforces = frozenset({"security.ssh_from", "accessibility.public", "accessibility.allow_from"})
    """Behind NAT nobody but libvirt's host reaches them, wherever from that may be allowed."""

    def environment(self) -> type[Environment]:
        """Return the environment with the settings ``libvirt``."""
        from soop_components.machines.libvirt.settings import LibvirtEnvironment

        return LibvirtEnvironment

    def require(self) -> None:
        """Ask for the programs of libvirt's provider, too."""
        super().require()
        missing = [program for program in _PROGRAMS if which(program) is None]
        if missing:
            packages = " ".join(_PROGRAMS[program] for program in missing)
            raise SoopError(
                f"`machines: libvirt` needs {' and '.join(missing)} on this computer, where Pulumi runs its plugin",
                f"install what is missing: apt install {packages}",
            )

    def settings_problems(self, environment: Environment) -> Sequence[Problem]:
        """Look at networks, and at what public endpoints need."""
        from soop_components.machines.libvirt.settings import settings_problems

        return list(settings_problems(cast("LibvirtEnvironment", environment)))

    def admission_problem(self, environment: Environment, other: str) -> str | None:
        """Say that nobody comes into a network behind NAT."""
        if cast("LibvirtEnvironment", environment).libvirt.network.mode == "route":
            return None
        return "nodes behind NAT are reached from their own network: say `mode: route` in libvirt.network, or remove it"

    def base_problem(self, project: Project, environment: Environment, base: str) -> str | None:
        """Say that there is no image of a base, or another one than is meant."""
        from soop_components.machines.libvirt.images import image_problem

        image = cast("LibvirtEnvironment", environment).libvirt.images.get(base)
        if image is None:
            return f"is built for {base}, and environment {environment.name} has no image of it (libvirt.images)"
        problem = image_problem(project.root, image)
        return (
            f"is built for {base}, {problem}; see libvirt.images of environment {environment.name}" if problem else None
        )

    def room_problem(self, project: Project, environment: Environment, memory: Mapping[str, int]) -> str | None:
        """Compare what machines need that are not there yet with what libvirt's host has; it starts more than that."""
        from soop_components.machines.libvirt.room import room_problem

        return room_problem(cast("LibvirtEnvironment", environment).libvirt.uri, memory)

    def infrastructure(self, context: DomainContext) -> Infrastructure:
        """Share a network, and the images that machines are made from."""
        from soop_components.machines.libvirt.infrastructure import LibvirtInfrastructure

        return LibvirtInfrastructure(context)

    def operations(self, project: Project) -> Operations:
        """Return what libvirt does with machines and disks."""
        from soop_components.machines.libvirt.operations import LibvirtOperations

        return LibvirtOperations(project)

    def existing(self, project: Project, environment: str) -> Mapping[str, Demand]:
        """Count machines by the states of domains."""
        from soop_components.machines.host.existing import existing

        return existing(project, environment)

    def resources(self) -> Sequence[Resource]:
        """Return the resource that remembers addresses, and what machines with cloud-init have everywhere."""
        from soop_components.machines.cloud_init.resource import BootstrapResource
        from soop_components.machines.host.resource import HostResource
        from soop_components.machines.libvirt.subnet import SubnetResource

        return (SubnetResource(), BootstrapResource(), HostResource())

    def is_disk(self, type: str, name: str) -> bool:
        """Tell a node's disk, which has its name, from the volumes that machines start from."""
        from soop_components.model.names import NodeName

        try:
            NodeName.parse(name)
        except ValueError:
            return False
        return super().is_disk(type, name)

    def unknown_native(self, type: str, name: str) -> str:
        """Name what is in the way of the next update; volumes that are there are taken by libvirt's provider."""
        remove = {
            "Network": f"virsh net-destroy {name}; virsh net-undefine {name}",
            "Domain": f"virsh destroy {name}; virsh undefine {name}",
            "CloudInitDisk": f"virsh vol-list POOL shows {name}-….iso, virsh vol-delete removes it",
        }.get(type.rsplit(":", 1)[-1])
        return f"if it is on libvirt's host: {remove}" if remove else "the next update takes it if it is there"


KIND = Libvirt()

"""The kind ``ssh``, and where each of its parts is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from soop_components.machines import DomainContext, Infrastructure, Kind, Operations
from soop_components.machines.host import HOST

if TYPE_CHECKING:
    from soop_components.machines.ssh.settings import SshEnvironment
    from soop_components.model.capacity import Demand
    from soop_components.model.environment import Environment
    from soop_components.model.problem import Problem
    from soop_components.project import Project
    from soop_components.provider.resource import Resource


class Ssh(Kind):
    """Hosts that are there."""

    name = "ssh"
    machine_type = HOST
    disk_type = "soop:index:HostDisk"
    disks_stay = True
    enforces = frozenset(
        {"reliability.spread", "accessibility.public", "accessibility.allow_from", "security.ssh_from"}
    )

    def environment(self) -> type[Environment]:
        """Return the environment with an inventory."""
        from soop_components.machines.ssh.settings import SshEnvironment

        return SshEnvironment

    def settings_problems(self, environment: Environment) -> Sequence[Problem]:
        """Compare sizes, addresses and zones of hosts with what is asked for."""
        from soop_components.machines.ssh.settings import settings_problems

        return settings_problems(cast("SshEnvironment", environment))

    def admission_problem(self, environment: Environment, other: str) -> str | None:
        """Say that nobody knows which hosts the other domain has."""
        from soop_components.machines.ssh.settings import admission_problem

        return admission_problem(cast("SshEnvironment", environment), other)

    def infrastructure(self, context: DomainContext) -> Infrastructure:
        """Share nothing: the hosts are there."""
        from soop_components.machines.ssh.infrastructure import SshInfrastructure

        return SshInfrastructure(context)

    def operations(self, project: Project) -> Operations:
        """Return operations that say why there are none."""
        from soop_components.machines.ssh.operations import SshOperations

        return SshOperations()

    def existing(self, project: Project, environment: str) -> Mapping[str, Demand]:
        """Count machines by the states of domains."""
        from soop_components.machines.host.existing import existing

        return existing(project, environment)

    def resources(self) -> Sequence[Resource]:
        """Return the resource ``Host``."""
        from soop_components.machines.host.resource import HostResource

        return (HostResource(),)


KIND = Ssh()

"""The kind ``local``, and where each of its parts is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from soop_components.machines import DomainContext, Infrastructure, Kind

if TYPE_CHECKING:
    from soop_components.machines.local.local_machines import LocalMachines
    from soop_components.model.capacity import Demand
    from soop_components.model.environment import Environment
    from soop_components.model.problem import Problem
    from soop_components.project import Project
    from soop_components.provider.resource import Resource


class Local(Kind):
    """Machines and disks on this host."""

    name = "local"
    machine_type = "soop:index:Machine"
    disk_type = "soop:index:Disk"
    has_snapshots = True
    enforces = frozenset({"security.ssh_from"})
    """Nobody but this computer reaches them by SSH, wherever from that may be allowed."""

    def settings_problems(self, environment: Environment) -> Sequence[Problem]:
        """Refuse public endpoints and zones, which cannot be had."""
        from soop_components.model.problem import Problem

        problems = []
        if environment.accessibility.public:
            text = "local machines have no public endpoints: they are reached from this computer only; remove it"
            problems.append(Problem(("accessibility", "public"), text))
        if environment.reliability.spread:
            text = "local machines are all on this computer, and cannot be spread over anything; remove it"
            problems.append(Problem(("reliability", "spread"), text))
        return problems

    def admission_problem(self, environment: Environment, other: str) -> str | None:
        """Let every domain in that is told to, whether it has machines yet or not."""
        return None

    def infrastructure(self, context: DomainContext) -> Infrastructure:
        """Share nothing: the root helper makes an environment's network with its first machine."""
        from soop_components.machines.local.infrastructure import LocalInfrastructure

        return LocalInfrastructure(context)

    def operations(self, project: Project) -> LocalMachines:
        """Return the operations on the machines of a project."""
        from soop_components.machines.local.local_machines import LocalMachines

        return LocalMachines(project)

    def resources(self) -> Sequence[Resource]:
        """Return the resources ``Disk`` and ``Machine``."""
        from soop_components.machines.local.resources import DiskResource, MachineResource

        return (DiskResource(), MachineResource())

    def existing(self, project: Project, environment: str) -> Mapping[str, Demand]:
        """Count machines by their records."""
        from soop_components.machines.local.existing import existing

        return existing(project, environment) if project.machines.is_dir() else {}

    def sweep(self, project: Project) -> Sequence[str]:
        """Remove what killed runs of this checkout left; one that has no machines needs no root helper."""
        return asyncio.run(self.operations(project).sweep()) if project.machines.is_dir() else ()

    def clean(self, project: Project) -> bool:
        """Remove all machines and disks that were made out of this checkout's state."""
        asyncio.run(self.operations(project).clean())
        return True


KIND = Local()

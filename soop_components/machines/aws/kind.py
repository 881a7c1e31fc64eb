"""The kind ``aws``, and where each of its parts is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from soop_components.machines import DomainContext, Infrastructure, Kind, NewestImage, Operations, Unsupported
from soop_components.machines.host import HOST

if TYPE_CHECKING:
    from soop_components.machines.aws.settings import AwsEnvironment
    from soop_components.model.environment import Environment
    from soop_components.model.problem import Problem
    from soop_components.project import Project
    from soop_components.provider.resource import Resource


class Aws(Kind):
    """Instances and volumes of Amazon EC2."""

    name = "aws"
    sdk = "pulumi_aws"
    machine_type = HOST
    disk_type = "aws:ebs/volume:Volume"
    replaces_in_turn = True
    refreshes = True
    enforces = frozenset(
        {"reliability.spread", "security.ssh_from", "accessibility.public", "accessibility.allow_from"}
    )

    def environment(self) -> type[Environment]:
        """Return the environment with the settings ``aws``."""
        from soop_components.machines.aws.settings import AwsEnvironment

        return AwsEnvironment

    def settings_problems(self, environment: Environment) -> Sequence[Problem]:
        """Compare sizes with instance types, and zones with the region."""
        from soop_components.machines.aws.settings import settings_problems

        return settings_problems(cast("AwsEnvironment", environment))

    def base_problem(self, project: Project, environment: Environment, base: str) -> str | None:
        """Say that there is no AMI for a base image."""
        images = cast("AwsEnvironment", environment).aws.images
        if base in images:
            return None
        return f"is built for {base}, and environment {environment.name} has no AMI of it (aws.images)"

    def newest_images(self, environment: Environment) -> Sequence[NewestImage]:
        """Ask AWS for Debian's."""
        from soop_components.machines.aws.newest_images import newest_images

        return newest_images(cast("AwsEnvironment", environment).aws)

    def infrastructure(self, context: DomainContext) -> Infrastructure:
        """Share a security group and its rules."""
        from soop_components.machines.aws.infrastructure import AwsInfrastructure

        return AwsInfrastructure(context)

    def operations(self, project: Project) -> Operations:
        """Return operations that all refuse."""
        return AwsOperations()

    def resources(self) -> Sequence[Resource]:
        """Return the resource by which cloud-init is told, and the one that makes an instance ready to be a node."""
        from soop_components.machines.cloud_init.resource import BootstrapResource
        from soop_components.machines.host.resource import HostResource

        return (BootstrapResource(), HostResource())


class AwsOperations(Operations):
    """Instances are made, started and replaced by the resources of Pulumi's provider for AWS, not by ours."""

    kind = "aws"

    async def start(self, node: str) -> None:
        """Refuse."""
        raise Unsupported(f"{node}: start the instance in AWS's console or with its command line")

    async def stop(self, node: str) -> None:
        """Refuse."""
        raise Unsupported(f"{node}: stop the instance in AWS's console or with its command line")


KIND = Aws()

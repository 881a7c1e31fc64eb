"""The kind ``aws``, and where each of its parts is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from soop_components.machines import DomainContext, Infrastructure, Kind, NewestImage, Operations, Unsupported
from soop_components.machines.host import HOST

if TYPE_CHECKING:
    from soop_components.machines.aws.settings import AwsEnvironment
    from soop_components.model.capacity import Demand
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

    def unknown_native(self, type: str, name: str) -> str:
        """Say with which commands it is found and removed."""
        if (commands := _COMMANDS.get(type.rsplit(":", 1)[-1])) is None:
            return "the next update takes it if it is there"
        show, remove = commands
        return f"if `aws ec2 {show} --filters Name=tag:Name,Values={name}` shows it: aws ec2 {remove} ID"

    def existing(self, project: Project, environment: str) -> Mapping[str, Demand]:
        """Count machines by the states of domains."""
        from soop_components.machines.host.existing import existing

        return existing(project, environment)

    def resources(self) -> Sequence[Resource]:
        """Return the resource by which cloud-init is told, and the one that makes an instance ready to be a node."""
        from soop_components.machines.cloud_init.resource import BootstrapResource
        from soop_components.machines.host.resource import HostResource

        return (BootstrapResource(), HostResource())


_COMMANDS = {
    "Instance": ("describe-instances", "terminate-instances --instance-ids"),
    "Volume": ("describe-volumes", "delete-volume --volume-id"),
    "Eip": ("describe-addresses", "release-address --allocation-id"),
    "SecurityGroup": ("describe-security-groups", "delete-security-group --group-id"),
    "SecurityGroupIngressRule": (
        "describe-security-group-rules",
        "revoke-security-group-ingress --group-id GROUP --security-group-rule-ids",
    ),
    "SecurityGroupEgressRule": (
        "describe-security-group-rules",
        "revoke-security-group-egress --group-id GROUP --security-group-rule-ids",
    ),
}
"""Commands of AWS's that show a resource by its tag, and that remove it; the others belong to an instance."""


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

"""What an environment says of machines at AWS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from soop_components.machines.ssh.settings import JumpHost
from soop_components.model.base import Model
from soop_components.model.environment import Environment
from soop_components.model.names import SizeName
from soop_components.model.problem import Problem
from soop_components.model.service import MOST

_HEX = "[0-9a-f]{8,17}"
Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]
Zone = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$")]
Account = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
Vpc = Annotated[str, StringConstraints(pattern=rf"^vpc-{_HEX}$")]
Subnet = Annotated[str, StringConstraints(pattern=rf"^subnet-{_HEX}$")]
Ami = Annotated[str, StringConstraints(pattern=rf"^ami-{_HEX}$")]
InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$")]


class AwsSettings(Model):
    """Where machines are, and what they are made of."""

    region: Region
    """``eu-west-1``."""
    account: Account
    """Number of the AWS account; with credentials of another one nothing is changed."""
    vpc: Vpc
    """Network that the subnets belong to."""
    subnets: Annotated[dict[Zone, Subnet], Field(min_length=1, max_length=MOST)]
    """One subnet in each availability zone that is used. A node stays in the zone in which it was made."""
    images: Annotated[dict[str, Ami], Field(min_length=1, max_length=MOST)]
    """AMI of each base image, ``debian-12: ami-…``, of which new machines are made; ``soop replace`` gives nodes that
    are there a new machine, and their volumes stay."""
    instance_types: Annotated[dict[SizeName, InstanceType], Field(min_length=1, max_length=MOST)]
    """Instance type of each size."""
    address: Literal["private", "public"] = "private"
    """Address by which deployers reach nodes; public endpoints need ``public`` ones, which are Elastic IPs. Nodes reach
    each other by their private ones."""
    jump: JumpHost | None = None
    """The host through which nodes are reached, a bastion; its address inside the VPC belongs in ``ssh_from``."""
    root_volume: Annotated[int, Field(ge=8, le=16384)] = 16
    """Size in GiB of the volume that a machine starts from, which goes with it."""


class AwsEnvironment(Environment):
    """An environment of machines at AWS."""

    aws: AwsSettings
    """Machines at AWS."""


def settings_problems(environment: AwsEnvironment) -> Sequence[Problem]:
    """Return what does not fit together in an environment."""
    sizes, types = environment.sizes, environment.aws.instance_types
    region = environment.aws.region
    return [
        *(Problem(("aws", "instance_types"), f"no instance type for the size {size}") for size in sizes.keys() - types),
        *(Problem.unknown(("aws", "instance_types", size), "size", size, sizes) for size in types.keys() - sizes),
        *(
            Problem(("aws", "subnets", zone), f"is not a zone of {region}")
            for zone in environment.aws.subnets
            if not zone.startswith(region)
        ),
        *_missing(environment),
    ]


def _missing(environment: AwsEnvironment) -> Iterator[Problem]:
    """Yield what other kinds may leave open, and machines at AWS may not."""
    if not environment.security.ssh_from:
        yield Problem(("security", "ssh_from"), "is required at AWS, where else everybody reached SSH")
    if environment.accessibility.public and environment.aws.address == "private":
        yield Problem(("accessibility", "public"), "needs nodes with public addresses (`address: public` in aws)")
    if environment.reliability.spread and len(environment.aws.subnets) < 2:
        yield Problem(("reliability", "spread"), "needs subnets in two zones at least (aws.subnets)")

"""Machines at AWS as a program declares them: Pulumi's own resources."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pulumi
import pulumi_aws as aws

from soop_components.machines import REPLACE, DomainContext, Infrastructure
from soop_components.machines.aws.openings import openings
from soop_components.machines.aws.security_groups import SecurityGroups
from soop_components.machines.aws.settings import AwsEnvironment
from soop_components.machines.cloud_init.declaration import Bootstrap
from soop_components.machines.host.declaration import Host, made_for_node
from soop_components.machines.ssh.settings import place_of
from soop_components.model.names import NodeName
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan, ServicePlan
from soop_components.model.size import bytes_of

DEVICE = "/dev/sdf"
"""Name under which a volume is attached; machines show volumes by their ids."""
_GIB = 2**30


class AwsInfrastructure(Infrastructure):
    """The machines of one domain."""

    def __init__(self, context: DomainContext) -> None:
        super().__init__(context)
        self._environment = cast(AwsEnvironment, context.environment)
        self._settings = self._environment.aws
        self._provider = aws.Provider(
            context.domain,
            region=self._settings.region,
            allowed_account_ids=[self._settings.account],
            opts=pulumi.ResourceOptions(parent=context.parent),
        )
        self._groups = SecurityGroups(context.domain, self._environment, self._provider, context.parent)

    def prepare(self, services: Sequence[ServicePlan]) -> None:
        """Open what is to be reached."""
        self._groups.open(openings(services))

    def declare(self, node: NodePlan, image: str, parent: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
        """Declare an instance, what it is told at its first start, and the volume that outlives it."""
        ami = self._settings.images[image]
        options = pulumi.ResourceOptions(parent=parent)
        anew = node.name in os.environ.get(REPLACE, "").split()
        bootstrap = Bootstrap(node.name, ami, self.context.authorized_key, options, base=image, anew=anew)
        bootstrap.machine.apply(lambda made_of: _tell_of_another(node.name, made_of, ami, bootstrap))
        volume = self._declare_volume(node.name, node.disk, parent) if node.disk else None
        instance = aws.ec2.Instance(
            node.name,
            ami=bootstrap.machine,
            instance_type=self._settings.instance_types[node.size],
            subnet_id=self._subnet(node, volume),
            vpc_security_group_ids=self._groups.of(NodeName.parse(node.name)),
            associate_public_ip_address=False,
            user_data=bootstrap.userData,
            user_data_replace_on_change=True,
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            root_block_device={
                "volume_size": self._settings.root_volume,
                "volume_type": "gp3",
                "encrypted": True,
                "delete_on_termination": True,
                "tags": self._tags(node.name),
            },
            tags=self._tags(node.name),
            opts=self._options(
                parent,
                ignore_changes=_settled(volume),
                delete_before_replace=True,
                additional_secret_outputs=["userData"],
            ),
        )
        before = [] if volume is None else [self._attach(node.name, instance, volume, parent)]
        before.append(self._keep_running(node.name, instance, parent))
        address = self._public_address(node.name, instance, parent) if self._is_public else None
        spec = made_for_node(
            node,
            self._environment.sizes[node.size],
            image,
            address=instance.private_ip if address is None else address,
            inside=None if address is None else instance.private_ip,
            host_key=bootstrap.hostKey,
            device=volume.id.apply(_device) if volume else None,
            machine=instance.id,
            authorized_key=self.context.authorized_key,
        )
        options = pulumi.ResourceOptions(parent=parent, depends_on=before)
        return Host(node.name, self._by_jump(spec), self.context.private_key, options).place

    def _by_jump(self, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        """Name the host through which a machine is reached, if there is one."""
        jump = self._settings.jump
        return {**spec, "hosts": [{**each, "jump": place_of(jump)} for each in spec["hosts"]]} if jump else spec

    def _attach(
        self, name: str, instance: aws.ec2.Instance, volume: aws.ebs.Volume, parent: pulumi.Resource
    ) -> pulumi.Resource:
        """Attach a volume; it is taken away from a machine that does not run any more, so that all is written."""
        attachment: pulumi.Resource = aws.ec2.VolumeAttachment(
            name,
            device_name=DEVICE,
            instance_id=instance.id,
            volume_id=volume.id,
            stop_instance_before_detaching=True,
            opts=self._options(parent, delete_before_replace=True),
        )
        return attachment

    def _keep_running(self, name: str, instance: aws.ec2.Instance, parent: pulumi.Resource) -> pulumi.Resource:
        """Let an instance be started that a refresh finds stopped."""
        state: pulumi.Resource = aws.ec2transitgateway.InstanceState(
            name, instance_id=instance.id, state="running", opts=self._options(parent)
        )
        return state

    def _public_address(self, name: str, instance: aws.ec2.Instance, parent: pulumi.Resource) -> pulumi.Output[str]:
        """Declare an address that stays when the instance is stopped, or is another one."""
        elastic = aws.ec2.Eip(
            name, domain="vpc", instance=instance.id, tags=self._tags(name), opts=self._options(parent)
        )
        address: pulumi.Output[str] = elastic.public_ip
        return address

    @property
    def _is_public(self) -> bool:
        return self._settings.address == "public"

    def declare_disk(self, name: str, disk: DiskDefinition, parent: pulumi.Resource) -> pulumi.Output[str]:
        """Declare a volume, which is protected whatever the environment says."""
        volume: pulumi.Output[str] = self._declare_volume(name, disk, parent).id
        return volume

    def _declare_volume(self, name: str, disk: DiskDefinition, parent: pulumi.Resource) -> aws.ebs.Volume:
        number = NodeName.parse(name).number
        return aws.ebs.Volume(
            name,
            availability_zone=self._first_choice(number),
            size=-(-bytes_of(disk.size) // _GIB),
            type="gp3",
            encrypted=True,
            tags=self._tags(name),
            opts=self._options(parent, protect=True, ignore_changes=["availabilityZone"]),
        )

    def _first_choice(self, number: int) -> str:
        """Return the zone of a new node: those of a role are spread evenly, if the environment asks for that."""
        zones = sorted(self._settings.subnets)
        return zones[(number - 1) % len(zones)] if self._environment.reliability.spread else zones[0]

    def _subnet(self, node: NodePlan, volume: aws.ebs.Volume | None) -> pulumi.Input[str]:
        """Return where a node is: beside its volume, if it has one."""
        if volume is None:
            return self._settings.subnets[self._first_choice(node.number)]

        def subnet_in(zone: str) -> str:
            if zone not in self._settings.subnets:
                raise pulumi.RunError(
                    f"the volume of {node.name} is in {zone}, for which environment {self._environment.name} names no "
                    f"subnet any more: name one in aws.subnets"
                )
            return self._settings.subnets[zone]

        found: pulumi.Output[str] = volume.availability_zone.apply(subnet_in)
        return found

    def _tags(self, name: str) -> dict[str, str]:
        role, _, service, domain = NodeName.parse(name)
        return {"Name": name, "soop:domain": domain, "soop:service": service, "soop:role": role, "soop:node": name}

    def _options(self, parent: pulumi.Resource, **more: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=parent, provider=self._provider, **more)


def _settled(volume: aws.ebs.Volume | None) -> list[str]:
    """Return what an instance keeps from the day on which it was made.

    One without a volume stays in its subnet, whichever zones are named later; where it has a public address, AWS says
    of every instance that it has one of those that are given at the start.
    """
    return ["associatePublicIpAddress"] if volume else ["associatePublicIpAddress", "subnetId"]


def _tell_of_another(node: str, made_of: str, ami: str, row: pulumi.Resource) -> None:
    """Say that a machine stays what it is, although new ones are made of something else."""
    if made_of != ami:
        pulumi.log.warn(f"stays made of {made_of}; for a new machine of {ami}: soop replace {node}", row)


def _device(volume: str) -> str:
    """Return the device that a machine shows for a volume: by its id, since other names of devices are anybody's."""
    return f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{volume.replace('-', '')}"

"""How each type of resource behaves at AWS."""

from __future__ import annotations

from typing import Any

from tests.native.behaviour import Behaviour, RefusedError
from tests.native.cloud import Cloud

BEHAVIOURS = {
    "aws:ec2/securityGroup:SecurityGroup": Behaviour("sg", frozenset({"vpcId", "description", "name"}), ("arn",)),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": Behaviour("sgr", frozenset({"securityGroupId"})),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": Behaviour("sgr", frozenset({"securityGroupId"})),
    "aws:ebs/volume:Volume": Behaviour("vol", frozenset({"availabilityZone", "encrypted", "kmsKeyId"})),
    "aws:ec2/instance:Instance": Behaviour(
        "i",
        frozenset({"ami", "subnetId", "associatePublicIpAddress", "userData", "privateIp"}),
        ("availabilityZone", "privateIp"),
    ),
    "aws:ec2/eip:Eip": Behaviour("eipalloc", frozenset({"domain"}), ("publicIp",)),
    "aws:ec2transitgateway/instanceState:InstanceState": Behaviour("state", frozenset({"instanceId"})),
    "aws:ec2/volumeAttachment:VolumeAttachment": Behaviour("vai", frozenset({"deviceName", "instanceId", "volumeId"})),
}


def created(cloud: Cloud, token: str, inputs: dict[str, Any]) -> dict[str, Any]:
    """Return what is known of a new resource."""
    match token.rsplit(":", 1)[1]:
        case "Instance":
            if cloud.get(inputs["vpcSecurityGroupIds"][0]) is None:
                raise RefusedError("InvalidGroup.NotFound: the security group does not exist")
            zone = inputs["subnetId"].rsplit("-", 1)[1]  # the tests' subnets end with a letter for their zone
            return {**inputs, "availabilityZone": f"eu-west-1{zone[-1]}", "privateIp": "127.0.0.1"}
        case "Eip":  # that of nodes which do not run
            return {**inputs, "publicIp": f"192.0.2.{len(cloud.all('Eip')) + 10}"}
        case "VolumeAttachment":
            _refuse_attachment(cloud, inputs)
    return dict(inputs)


def _refuse_attachment(cloud: Cloud, inputs: dict[str, Any]) -> None:
    volume, instance = cloud.get(inputs["volumeId"]), cloud.get(inputs["instanceId"])
    if volume is None or instance is None:
        raise RefusedError("InvalidVolume.NotFound or InvalidInstanceID.NotFound")
    if any(each["volumeId"] == inputs["volumeId"] for each in cloud.all("VolumeAttachment").values()):
        raise RefusedError(f"VolumeInUse: {inputs['volumeId']} is already attached to an instance")
    if volume["availabilityZone"] != instance["availabilityZone"]:
        raise RefusedError("InvalidVolume.ZoneMismatch: the volume is not in the same zone as the instance")


def refuse_deletion(cloud: Cloud, token: str, id: str) -> None:
    """Refuse to delete what something else still needs."""
    match token.rsplit(":", 1)[1]:
        case "Volume":
            if any(each["volumeId"] == id for each in cloud.all("VolumeAttachment").values()):
                raise RefusedError(f"VolumeInUse: {id} is currently attached")
        case "SecurityGroup":
            if any(id in each["vpcSecurityGroupIds"] for each in cloud.all("Instance").values()):
                raise RefusedError(f"DependencyViolation: resource {id} has a dependent object")
        case "Instance":
            if any(each["instanceId"] == id for each in cloud.all("VolumeAttachment").values()):
                raise RefusedError(f"{id} still has a volume, which would be detached while it is mounted")

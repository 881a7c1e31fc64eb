"""The resources that a domain at AWS declares, with Pulumi's engine mocked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pulumi.runtime import mocks

from soop_components.machines.aws.settings import AwsEnvironment, AwsSettings
from soop_components.machines.ssh.settings import JumpHost
from soop_components.model.environment import Accessibility, MachineSize, Reliability, Security
from tests.graph import native_domain
from tests.graph.native_domain import Monitor, event_loop

DOMAIN = "prod-access"
ZONES = {"eu-west-1a": "subnet-0000000a", "eu-west-1b": "subnet-0000000b", "eu-west-1c": "subnet-0000000c"}
INSTANCE, VOLUME = "aws:ec2/instance:Instance", "aws:ebs/volume:Volume"


class Cloud(native_domain.Cloud):
    """Answers as AWS would; a volume that exists already may be in another zone than it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.zones: dict[str, str] = {}

    def native(self, args: mocks.MockResourceArgs) -> dict[str, Any]:
        if args.typ == VOLUME and args.name in self.zones:
            return {"availabilityZone": self.zones[args.name]}
        known = {INSTANCE: {"privateIp": "10.0.0.9"}, "aws:ec2/eip:Eip": {"publicIp": "192.0.2.9"}}
        return known.get(args.typ, {})

    def id_of(self, args: mocks.MockResourceArgs) -> str:
        return "vol-0123" if args.typ == VOLUME else super().id_of(args)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with event_loop():
        yield Cloud()


def name(node: str) -> str:
    return f"{node}.access-service.{DOMAIN}"


def environment(zones: dict[str, str] = ZONES, **settings: Any) -> AwsEnvironment:
    return AwsEnvironment(
        name="prod",
        machines="aws",
        sizes={"small": MachineSize(), "large": MachineSize(cpus=2)},
        reliability=Reliability(spread="availability_zone"),
        security=Security(ssh_from=("198.51.100.10/32", "2001:db8::/32")),
        aws=AwsSettings(
            region="eu-west-1",
            account="123456789012",
            vpc="vpc-00000000",
            subnets=zones,
            images={"debian-12": "ami-00000000"},
            instance_types={"small": "t3.small", "large": "m7a.large"},
            **settings,
        ),
    )


def declare(cloud: Cloud, environment: AwsEnvironment) -> Monitor:
    return native_domain.declare(cloud, DOMAIN, environment)


def test_a_node_is_an_instance_and_one_with_a_disk_has_a_volume_attached(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    assert cloud.names(INSTANCE) == [name("store-1"), *(name(f"web-{each}") for each in (1, 2, 3))]
    assert cloud.names(VOLUME) == cloud.names("aws:ec2/volumeAttachment:VolumeAttachment") == [name("store-1")]
    volume = cloud.inputs[VOLUME, name("store-1")]
    assert (volume["size"], volume["type"], volume["encrypted"]) == (2, "gp3", True)
    instance = cloud.inputs[INSTANCE, name("store-1")]
    assert instance["metadataOptions"] == {
        "httpEndpoint": "enabled",
        "httpTokens": "required",
        "httpPutResponseHopLimit": 1,
    }
    assert instance["rootBlockDevice"]["encrypted"] is True
    assert list(monitor.requests[INSTANCE, name("store-1")].additionalSecretOutputs) == ["userData"]
    assert (instance["ami"], instance["instanceType"]) == ("ami-00000000", "t3.small")
    assert instance["tags"] == {
        "Name": name("store-1"),
        "soop:domain": DOMAIN,
        "soop:service": "access-service",
        "soop:role": "store",
        "soop:node": name("store-1"),
    }


def test_nodes_are_reached_through_a_bastion(cloud: Cloud) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKuIf0hQ9dQq0Xq3G3zqYp0S2v5b0N0v3u2sI0n8cV0c"
    declare(cloud, environment(jump=JumpHost(address="198.51.100.20", user="me", host_key=key)))
    (listed,) = cloud.inputs["soop:index:Host", name("web-1")]["spec"]["hosts"]
    assert listed["address"] == "10.0.0.9"
    assert listed["jump"] == {"address": "198.51.100.20", "port": 22, "user": "me", "hostKey": key}


def test_nodes_of_a_role_are_spread_over_the_zones(cloud: Cloud) -> None:
    declare(cloud, environment())
    assert [cloud.inputs[INSTANCE, name(f"web-{each}")]["subnetId"] for each in (1, 2, 3)] == list(ZONES.values())


def test_a_node_stays_in_the_zone_of_its_volume(cloud: Cloud) -> None:
    cloud.zones[name("store-1")] = "eu-west-1c"
    monitor = declare(cloud, environment())
    assert cloud.inputs[INSTANCE, name("store-1")]["subnetId"] == ZONES["eu-west-1c"]
    assert list(monitor.requests[VOLUME, name("store-1")].ignoreChanges) == ["availabilityZone"]
    assert "subnetId" not in monitor.requests[INSTANCE, name("store-1")].ignoreChanges
    assert "subnetId" in monitor.requests[INSTANCE, name("web-1")].ignoreChanges


def test_a_volume_is_protected_and_machines_go_before_their_replacements_come(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    assert monitor.requests[VOLUME, name("store-1")].protect
    first = {of for (of, _), request in monitor.requests.items() if request.deleteBeforeReplace}
    assert first == {INSTANCE, "aws:ec2/volumeAttachment:VolumeAttachment", "soop:index:Host"}


def rules(cloud: Cloud) -> list[tuple[str, Any, str]]:
    """Return who may reach which port of which group: (group, port, network or group)."""
    token = "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    found = [inputs for (of, _), inputs in cloud.inputs.items() if of == token]
    assert not any("::" in each for each in cloud.names(token)), "which separates the parts of a URN"
    assert all(rule.get("fromPort") == rule.get("toPort") for rule in found)
    sources = ("cidrIpv4", "cidrIpv6", "referencedSecurityGroupId")
    return sorted(
        (
            rule["securityGroupId"].removesuffix("-id"),
            rule.get("fromPort", 0),
            next(rule[key] for key in sources if key in rule),
        )
        for rule in found
    )


def test_deployers_and_the_domain_s_nodes_are_let_in_and_nobody_else(cloud: Cloud) -> None:
    declare(cloud, environment())
    web = f"web.access-service.{DOMAIN}"
    assert rules(cloud) == [
        (DOMAIN, 0, f"{DOMAIN}-id"),
        (DOMAIN, 22, "198.51.100.10/32"),
        (DOMAIN, 22, "2001:db8::/32"),
        (web, 8080, "198.51.100.10/32"),
        (web, 8080, "2001:db8::/32"),
    ]
    groups = {each: cloud.inputs[INSTANCE, name(each)]["vpcSecurityGroupIds"] for each in ("store-1", "web-1")}
    assert groups == {"store-1": [f"{DOMAIN}-id"], "web-1": [f"{DOMAIN}-id", f"{web}-id"]}


@pytest.mark.parametrize("allowed", [(), ("203.0.113.0/24",)])
def test_public_endpoints_are_open_to_whom_the_environment_says(cloud: Cloud, allowed: tuple[str, ...]) -> None:
    public = Accessibility(public=("access-service.http", "other-service.http"), allow_from=allowed)
    declare(cloud, environment(address="public").model_copy(update={"accessibility": public}))
    opened = [(port, source) for group, port, source in rules(cloud) if group.startswith("web.") and port == 80]
    assert opened == [(80, each) for each in allowed or ("0.0.0.0/0", "::/0")]


def test_an_instance_is_made_ready_once_it_runs_and_its_volume_is_attached(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    waits = {
        urn.rsplit("$", 1)[-1].split("::")[0]
        for urn in monitor.requests["soop:index:Host", name("store-1")].dependencies
    }
    assert waits >= {"aws:ec2/volumeAttachment:VolumeAttachment", "aws:ec2transitgateway/instanceState:InstanceState"}
    assert cloud.inputs["soop:index:Host", name("store-1")]["spec"] == {
        "hosts": [
            {
                "name": name("store-1"),
                "address": "10.0.0.9",
                "hostKey": "ssh-ed25519 CCCC",
                "disks": {"/srv": "/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_vol0123"},
            }
        ],
        "authorizedKey": "ssh-ed25519 BBBB",
        "base": "debian-12",
        "cpus": 1,
        "memory": "512MiB",
        "madeForNode": True,
        "disks": [{"mount": "/srv", "size": "1500MiB"}],
        "machine": f"{name('store-1')}-id",
        "patience": 300,
    }


@pytest.mark.parametrize(
    ("address", "expected"),
    [("private", {"address": "10.0.0.9"}), ("public", {"address": "192.0.2.9", "inside": "10.0.0.9"})],
)
def test_deployers_reach_a_node_where_the_environment_says_and_nodes_each_other_inside(
    cloud: Cloud, address: str, expected: dict[str, str]
) -> None:
    declare(cloud, environment(address=address))
    (host,) = cloud.inputs["soop:index:Host", name("web-1")]["spec"]["hosts"]
    assert {key: value for key, value in host.items() if key in ("address", "inside")} == expected
    place = cloud.inputs["soop:index:Release", "access-service"]["nodes"][name("web-1")]["place"]
    assert place["address"] == expected["address"]
    elastic = cloud.names("aws:ec2/eip:Eip")
    assert elastic == (cloud.names(INSTANCE) if address == "public" else [])

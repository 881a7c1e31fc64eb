"""The resources that a domain at AWS declares, with Pulumi's engine mocked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from soop_components.components import Domain
from soop_components.machines.aws.settings import AwsEnvironment, AwsSettings
from soop_components.model.environment import Accessibility, MachineSize, Reliability, Security
from soop_components.model.firewall import inbound
from soop_components.model.plan import HttpSmoke, RolePlan, SmokeTestPlan
from soop_components.model.service import DiskDefinition
from soop_components.model.service_plan import NodePlan, ServicePlan
from tests.domains import domain_from_config

DOMAIN = "prod-access"
ZONES = {"eu-west-1a": "subnet-0000000a", "eu-west-1b": "subnet-0000000b", "eu-west-1c": "subnet-0000000c"}
INSTANCE, VOLUME = "aws:ec2/instance:Instance", "aws:ebs/volume:Volume"


class Monitor(mocks.MockMonitor):
    """Remembers every registration, with its options."""

    def __init__(self, recorder: mocks.Mocks) -> None:
        super().__init__(recorder)
        self.requests: dict[tuple[str, str], Any] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.requests[request.type, request.name] = request
        return super().RegisterResource(request)


class Cloud(mocks.Mocks):
    """Answers as AWS would; a volume that exists already may be in another zone than it is asked for."""

    def __init__(self) -> None:
        self.inputs: dict[tuple[str, str], dict[str, Any]] = {}
        self.zones: dict[str, str] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        self.inputs[args.typ, args.name] = args.inputs
        more: dict[str, Any] = {}
        if args.typ == "soop:index:Key":
            more = {"publicKey": "ssh-ed25519 BBBB", "privateKey": "PRIVATE"}
        if args.typ == "soop:index:Bootstrap":
            more = {"hostKey": "ssh-ed25519 CCCC", "userData": "#cloud-config\n"}
        if args.typ == VOLUME and args.name in self.zones:
            more = {"availabilityZone": self.zones[args.name]}
        if args.typ == INSTANCE:
            more = {"privateIp": "10.0.0.9", "publicIp": "192.0.2.9"}
        if args.typ == "soop:index:Host":
            more = {"place": {"address": args.inputs["spec"]["hosts"][0]["address"], "hostKey": "ssh-ed25519 DDDD"}}
        if args.typ == "soop:index:Release":
            more = {"since": "2026-01-02T03:04:05+00:00", "status": {}}
        return "vol-0123" if args.typ == VOLUME else f"{args.name}-id", args.inputs | more

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        return {}, []

    def names(self, token: str) -> list[str]:
        return sorted(name for of, name in self.inputs if of == token)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield Cloud()
    loop.close()
    asyncio.set_event_loop(None)


def name(node: str) -> str:
    return f"{node}.access-service.{DOMAIN}"


def plan(environment: AwsEnvironment, web: int = 3) -> ServicePlan:
    domain = domain_from_config(DOMAIN, "prod", [{"service": "access-service-3.2.3"}], {}, "file")
    within = inbound(domain, environment, "access-service", {})
    rules = inbound(domain, environment, "access-service", {"http": 80, "status": 8080}, ["status"])
    disk = DiskDefinition(size="1500MiB", mount="/srv")
    nodes = [NodePlan(name=name("store-1"), role="store", number=1, size="small", disk=disk, inbound=within)]
    nodes += [
        NodePlan(name=name(f"web-{each}"), role="web", number=each, size="large", inbound=rules)
        for each in range(1, web + 1)
    ]
    return ServicePlan(
        service="access-service",
        version="3.2.3",
        digest="sha256:" + "a" * 64,
        roles={"store": RolePlan(), "web": RolePlan()},
        nodes={node.name: node for node in nodes},
        endpoints={"http": tuple(f"http://{name(f'web-{each}')}:80" for each in range(1, web + 1))},
        smoke_tests=(SmokeTestPlan(name="up", http=HttpSmoke(port=8080, nodes=(name("web-1"),))),),
    )


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
    monitor = Monitor(cloud)
    mocks.set_mocks(cloud, project="soop", stack=DOMAIN, preview=False, monitor=monitor)

    @pulumi.runtime.test
    def declared_by_the_program() -> None:
        Domain(DOMAIN, environment, [plan(environment)], images={"access-service": "debian-12"})

    declared_by_the_program()
    return monitor


def test_a_node_is_an_instance_and_one_with_a_disk_has_a_volume_attached(cloud: Cloud) -> None:
    declare(cloud, environment())
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
    assert (instance["ami"], instance["instanceType"]) == ("ami-00000000", "t3.small")
    assert instance["tags"] == {
        "Name": name("store-1"),
        "soop:domain": DOMAIN,
        "soop:service": "access-service",
        "soop:role": "store",
        "soop:node": name("store-1"),
    }


def test_nodes_of_a_role_are_spread_over_the_zones(cloud: Cloud) -> None:
    declare(cloud, environment())
    assert [cloud.inputs[INSTANCE, name(f"web-{each}")]["subnetId"] for each in (1, 2, 3)] == list(ZONES.values())


def test_a_node_stays_in_the_zone_of_its_volume(cloud: Cloud) -> None:
    cloud.zones[name("store-1")] = "eu-west-1c"
    monitor = declare(cloud, environment())
    assert cloud.inputs[INSTANCE, name("store-1")]["subnetId"] == ZONES["eu-west-1c"]
    assert list(monitor.requests[VOLUME, name("store-1")].ignoreChanges) == ["availabilityZone"]
    assert list(monitor.requests[INSTANCE, name("store-1")].ignoreChanges) == []
    assert list(monitor.requests[INSTANCE, name("web-1")].ignoreChanges) == ["subnetId"]


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


def test_an_instance_is_made_ready_once_its_volume_is_attached(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    (attachment,) = [
        urn for urn in monitor.requests["soop:index:Host", name("store-1")].dependencies if "Attach" in urn
    ]
    assert attachment.endswith(f"aws:ec2/volumeAttachment:VolumeAttachment::{name('store-1')}")
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


def test_the_environment_says_which_address_reaches_a_node(cloud: Cloud) -> None:
    for address, expected in (("private", "10.0.0.9"), ("public", "192.0.2.9")):
        declare(cloud, environment(address=address))
        place = cloud.inputs["soop:index:Release", "access-service"]["nodes"][name("web-1")]["place"]
        assert place == {"address": expected, "hostKey": "ssh-ed25519 DDDD"}

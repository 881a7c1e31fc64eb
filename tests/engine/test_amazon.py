"""Domains at AWS, with the real engine and SDK, and a stand-in for AWS's plugin: what is called, in which order."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.amazon import ACCOUNT
from tests.engine.stand_in.project import StandInProject
from tests.native.project import FILE, NativeProject, order
from tests.native.sdk import wrong_names

DOMAIN = "cloud-one"
STORE, *WEB = (f"{node}.access-service.{DOMAIN}" for node in ("store-1", "web-1", "web-2"))
ENVIRONMENT = f"""\
machines: aws
reliability: {{spread: availability_zone, protect_stateful: true}}
security: {{ssh_from: [198.51.100.10/32]}}
aws:
  region: eu-west-1
  account: "{ACCOUNT}"
  vpc: vpc-0123456789abcdef0
  subnets: {{eu-west-1a: subnet-0123456789abcde0a, eu-west-1b: subnet-0123456789abcde0b}}
  images: {{debian-12: ami-0123456789abcdef0}}
  instance_types: {{small: t3.small}}
  address: public
"""
STATE = "aws:ec2transitgateway/instanceState:InstanceState"
IN_ONE_ZONE = ENVIRONMENT.replace(", eu-west-1b: subnet-0123456789abcde0b", "").replace(
    "spread: availability_zone, ", ""
)


class AmazonProject(NativeProject):
    """A project with an environment at the stand-in's AWS."""

    def __init__(self, project: StandInProject) -> None:
        super().__init__(project, "aws", "tests.amazon.plugin", ENVIRONMENT)

    def name_of_volume(self, id: str | None) -> str | None:
        """Return the node whose volume it is."""
        volumes = self.cloud.all("Volume")
        return str(volumes[id]["tags"]["soop:node"]) if id else None

    def public_addresses(self) -> dict[str, str]:
        """Return the addresses of all nodes that have an instance."""
        instances = self.cloud.all("Instance")
        found = [each for each in self.cloud.all("Eip").values() if each["instance"] in instances]
        return {each["tags"]["soop:node"]: each["publicIp"] for each in found}

    def of(self, node: str) -> list[str]:
        """Return the ids of a node's instances."""
        return [id for id, each in self.cloud.all("Instance").items() if each["tags"]["soop:node"] == node]


@pytest.fixture
def amazon(project: StandInProject) -> AmazonProject:
    return AmazonProject(project)


def test_the_life_of_a_domain(amazon: AmazonProject) -> None:
    amazon.write(FILE, IN_ONE_ZONE)
    amazon.succeed("deploy", "access-service-3.2.3", DOMAIN)
    made = amazon.cloud.calls()
    instances = {name: inputs for verb, kind, name, inputs in made if kind == "Instance"}
    assert set(instances) == {STORE, *WEB}
    first_told = instances[STORE]["userData"]
    assert json.loads(first_told.removeprefix("#cloud-config\n"))["fqdn"] == STORE
    calls = amazon.calls()
    assert calls.index(f"create SecurityGroup {DOMAIN}") < calls.index(f"create Instance {WEB[0]}")
    attached = (f"create Volume {STORE}", f"create Instance {STORE}", f"create VolumeAttachment {STORE}")
    assert order(calls, *attached) == list(attached)
    nodes = amazon.status(DOMAIN)["services"]["access-service"]["nodes"]
    addresses = {name: node["address"] for name, node in nodes.items()}
    assert addresses == amazon.public_addresses()

    state = amazon.read(f".soop/state/.pulumi/stacks/stand-in/{DOMAIN}.json")
    assert "PRIVATE KEY" not in state
    assert "cloud-config" not in state

    amazon.write(FILE, ENVIRONMENT)  # nobody moves to a zone that comes
    amazon.succeed("deploy", "access-service-3.2.4", DOMAIN)
    assert amazon.versions(DOMAIN) == {"access-service": "3.2.4"}
    assert amazon.calls() == []

    amazon.change("ami-0123456789abcdef0", "ami-0123456789abcdef1")
    said = amazon.succeed("deploy", "access-service-3.2.4", DOMAIN)
    assert f"for a new machine of ami-0123456789abcdef1: soop replace {STORE}" in said
    assert amazon.calls() == []
    amazon.succeed("replace", "--yes", STORE, WEB[0])
    told = {
        name: inputs["userData"]
        for verb, kind, name, inputs in amazon.cloud.calls()
        if verb == "create" and kind == "Instance"
    }
    assert set(told) == {STORE, WEB[0]}
    assert told[STORE] != first_told
    calls = amazon.calls()
    replaced = (
        f"delete Host {STORE}",
        f"delete VolumeAttachment {STORE}",
        f"delete Instance {STORE}",
        f"create Instance {STORE}",
        f"create VolumeAttachment {STORE}",
        f"create Host {STORE}",
    )
    assert order(calls, *replaced) == list(replaced)
    assert [call for call in calls if " Volume " in call] == []
    turns = [f"{verb} Host {node}" for node in (WEB[0], STORE) for verb in ("delete", "create")]
    assert [call for call in calls if " Host " in call] == turns
    assert amazon.public_addresses() == addresses, "who knows them finds the new machines there"
    made_of = {each["tags"]["soop:node"]: each["ami"][-1] for each in amazon.cloud.all("Instance").values()}
    assert made_of == {STORE: "1", WEB[0]: "1", WEB[1]: "0"}

    amazon.change("eu-west-1a: subnet-0123456789abcde0a, ", "eu-west-1c: subnet-0123456789abcde0c, ")
    said = amazon.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert f"the volume of {STORE} is in eu-west-1a, for which environment cloud names no subnet any more" in said
    assert amazon.calls() == []

    assert f"{DOMAIN} has protected disks: {STORE}" in amazon.fail("destroy", "--yes", DOMAIN)
    assert amazon.calls() == []
    amazon.succeed("destroy", "--yes", "--with-data", DOMAIN)
    calls = amazon.calls()
    removed = (f"delete VolumeAttachment {STORE}", f"delete Instance {STORE}", f"delete SecurityGroup {DOMAIN}")
    assert order(calls, *removed) == list(removed)
    assert f"delete Volume {STORE}" in calls
    assert amazon.cloud.all("Instance") == amazon.cloud.all("Volume") == amazon.cloud.all("SecurityGroup") == {}
    assert amazon.cloud.all("Eip") == {}


def test_an_instance_that_is_gone_is_made_again_beside_its_volume_and_one_that_is_stopped_is_started(
    amazon: AmazonProject,
) -> None:
    amazon.succeed("deploy", "access-service-3.2.3", DOMAIN)
    for kind in ("VolumeAttachment", "Instance"):
        for id, outputs in amazon.cloud.all(kind).items():
            if STORE in (outputs.get("tags", {}).get("soop:node"), amazon.name_of_volume(outputs.get("volumeId"))):
                amazon.cloud.remove(id)
    amazon.calls()
    amazon.succeed("deploy", "access-service-3.2.3", DOMAIN)
    made = [call for call in amazon.calls() if call.startswith("create ") and "InstanceState" not in call]
    assert made == [f"create {each} {STORE}" for each in ("Instance", "VolumeAttachment", "Host")]

    (id,) = (id for id, each in amazon.cloud.all("InstanceState").items() if each["instanceId"] in amazon.of(WEB[0]))
    amazon.cloud.put(id, STATE, {**(amazon.cloud.get(id) or {}), "state": "stopped"})
    amazon.succeed("deploy", "access-service-3.2.3", DOMAIN)
    assert amazon.calls() == [f"update InstanceState {WEB[0]}"]


def test_what_is_asked_in_a_wrong_way_changes_nothing(amazon: AmazonProject) -> None:
    amazon.change("instance_types: {small: t3.small}", "instance_types: {tiny: t3.nano}")
    amazon.change("ssh_from: [198.51.100.10/32]", "ssh_from: []")
    amazon.change("images: {debian-12:", "images: {debian-13:")
    said = amazon.fail("deploy", "access-service-3.2.3", DOMAIN)
    file = f"{FILE}: "
    for problem in (
        "aws.instance_types: no instance type for the size small",
        "aws.instance_types.tiny: no size tiny; there is small",
        "security.ssh_from: is required at AWS",
    ):
        assert file + problem in said
    amazon.write(FILE, ENVIRONMENT.replace("images: {debian-12:", "images: {debian-13:"))
    said = amazon.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert "is built for debian-12, and environment cloud has no AMI of it (aws.images)" in said
    assert amazon.calls() == []


def test_without_the_sdk_its_name_is_said(amazon: AmazonProject) -> None:
    amazon.hide_sdk("pulumi_aws")
    said = amazon.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert "`machines: aws` needs the Python package pulumi-aws, which is not installed" in said
    assert "pip install 'soop-components[aws]'" in said
    assert amazon.calls() == []


def test_with_credentials_of_another_account_nothing_is_made(amazon: AmazonProject) -> None:
    amazon.change(f'account: "{ACCOUNT}"', 'account: "999999999999"')
    assert f"AWS account ID not allowed: {ACCOUNT}" in amazon.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert amazon.calls() == []


@pytest.mark.parametrize(
    ("token", "inputs", "wrong"),
    [
        ("aws:ec2/instance:Instance", {"ami": "ami-0", "userdata": "", "tags": {"any": "name"}}, ["userdata"]),
        ("aws:ec2/instance:Instance", {"metadataOptions": {"httpToken": "required"}}, ["metadataOptions.httpToken"]),
        ("aws:ebs/volume:Volume", {"availabilityZone": "eu-west-1a", "type": "gp3"}, []),
    ],
)
def test_the_stand_in_refuses_properties_that_the_sdk_lacks(token: str, inputs: Any, wrong: list[str]) -> None:
    assert wrong_names(token, inputs) == wrong

"""The access service at AWS: instances are local machines that a real cloud-init sets up as their user data say."""

from __future__ import annotations

import socket
from contextlib import suppress

import pytest

from tests import versions
from tests.amazon.instances import Instances
from tests.native.cloud import Cloud
from tests.scenarios.same_artifact import runs_the_same_artifact
from tests.scenarios.workspace import Workspace, get

DOMAIN = "cloud-access"
DATABASE, WEB = (f"{node}.access-service.{DOMAIN}" for node in ("database-1", "web-1"))
DEFINITION = """\
config:
  soop:environment: cloud
  soop:services:
    - service: access-service-3.2.3
      nodes: {web: 1}
"""


@pytest.mark.amazon
@pytest.mark.timeout(1800)
def test_a_domain_comes_up_is_upgraded_gets_new_machines_and_goes(project: Workspace) -> None:
    cloud, definition = Cloud(project.root / "cloud"), project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    definition.write_text(DEFINITION)
    project.must("soop", "build", "service_defs/access-service")
    versions.make(project.root, "access-service-3.2.4")
    project.must("soop", "build", "service_defs/access-service")
    with versions.bad(project.root, "unhealthy") as bad:
        project.must("soop", "build", "service_defs/access-service")

    project.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    assert answers(project) == [("3.2.3", "reachable")]
    assert runs_the_same_artifact(project, DOMAIN)
    assert project.changes(DOMAIN) == {}
    assert project.ssh(DATABASE, "findmnt", "-n", "-o", "FSTYPE", "/var/lib/postgresql").strip() == "ext4"
    assert not accepts(project, DATABASE, 5432), "nobody but the domain's nodes reaches the database"
    assert get(f"{urls(project)[0]}/grants/ann/42", "PUT")[0] < 300

    definition.write_text(definition.read_text().replace("{web: 1}", "{web: 2}"))
    stop(project, cloud, WEB)
    project.must("soop", "deploy", "--yes", "access-service-3.2.4", DOMAIN)
    assert answers(project) == [("3.2.4", "reachable")] * 2

    assert "web-1" in project.fails("soop", "deploy", "--yes", bad, DOMAIN)
    assert answers(project) == [("3.2.4", "reachable")] * 2

    machine, key = identity(project, DATABASE)
    environment = project.root / "stacks/environments/cloud.yaml"
    environment.write_text(environment.read_text().replace("abcdef0}", "abcdef1}"))
    project.must("soop", "replace", "--yes", DATABASE)
    assert answers(project) == [("3.2.4", "reachable")] * 2
    assert get(f"{urls(project)[0]}/access/ann/42") == (200, {"allowed": True})
    now = identity(project, DATABASE)
    assert now[0] != machine
    assert now[1] != key

    project.must("soop", "destroy", "--yes", "--with-data", DOMAIN)
    assert cloud.all("Instance") == cloud.all("Volume") == cloud.all("SecurityGroup") == {}


def urls(project: Workspace) -> list[str]:
    return sorted(project.service(DOMAIN)["endpoints"]["http"])


def answers(project: Workspace) -> list[tuple[str, str]]:
    """Return version and state of the database, as each web node tells them."""
    said = [get(f"{url}/health")[1] for url in urls(project)]
    return [(each["version"], each["database"]) for each in said]


def stop(project: Workspace, cloud: Cloud, node: str) -> None:
    """Stop a node's instance, as somebody does in AWS's console."""
    (id,) = (id for id, each in cloud.all("Instance").items() if each["tags"]["soop:node"] == node)
    Instances(project.project).stop(id, DOMAIN)


def accepts(project: Workspace, node: str, port: int) -> bool:
    """Return whether a node lets the deployer connect to a port."""
    address = project.service(DOMAIN)["nodes"][node]["address"]
    with suppress(TimeoutError, ConnectionRefusedError), socket.create_connection((address, port), timeout=2):
        return True
    return False


def identity(project: Workspace, node: str) -> tuple[str, str]:
    """Return what tells a machine from the one before: its system's id and its host key."""
    system, key = (project.ssh(node, "cat", path) for path in ("/etc/machine-id", "/etc/ssh/ssh_host_ed25519_key.pub"))
    return system, key

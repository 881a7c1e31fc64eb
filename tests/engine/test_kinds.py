"""A domain of another kind of machines than local ones, with the real engine: each verb asks the kind."""

from __future__ import annotations

import os
import signal

import pytest

from tests.engine.stand_in.project import StandInProject

ENVIRONMENT = "machines: rented\nrented: {account: acme}\nreliability: {protect_stateful: true}\n"
NODES = [f"{node}.access-service.cloud-one" for node in ("store-1", "web-1", "web-2")]
RENTED = {"Network cloud-one", f"Volume {NODES[0]}", *(f"Server {node}" for node in NODES)}


@pytest.fixture
def rented(project: StandInProject) -> StandInProject:
    """A project in which machines can be rented."""
    project.program = "tests.rented.soop"
    project.write("stacks/environments/cloud.yaml", ENVIRONMENT)
    program = project.read("__main__.py").replace("deploy_domain()\n", "register()\ndeploy_domain()\n")
    project.write("__main__.py", f"from tests.rented import register\n{program}")
    return project


def what_is_rented(project: StandInProject) -> set[str]:
    return {path.name for path in project.root.glob("rented/*")}


def test_a_domain_comes_up_is_shown_and_goes(rented: StandInProject) -> None:
    rented.succeed("deploy", "access-service-3.2.3", "cloud-one")
    assert what_is_rented(rented) == RENTED
    nodes = rented.status("cloud-one")["services"]["access-service"]["nodes"]
    assert {name: node["address"] for name, node in nodes.items()} == dict.fromkeys(NODES, "127.0.0.1")
    rented.succeed("deploy", "access-service-3.2.4", "cloud-one")
    assert rented.versions("cloud-one") == {"access-service": "3.2.4"}

    assert f"cloud-one has protected disks: {NODES[0]}" in rented.fail("destroy", "--yes", "cloud-one")
    assert what_is_rented(rented) == RENTED
    rented.succeed("destroy", "--yes", "--with-data", "cloud-one")
    assert what_is_rented(rented) == set()


def test_recover_asks_the_kind_what_a_killed_run_left(rented: StandInProject) -> None:
    rented.hold("Release")
    process = rented.start("deploy", "access-service-3.2.3", "cloud-one")
    rented.await_begun(process)
    os.kill(rented.engine_process("cloud-one"), signal.SIGKILL)
    process.communicate()
    rented.release()
    nodes = rented.status("cloud-one")["services"]["access-service"]["nodes"]
    assert {name: node["healthy"] for name, node in nodes.items()} == dict.fromkeys(NODES)

    rented.write("rented/Server lost", "")
    said = rented.succeed("recover", "cloud-one")
    assert "cloud-one: cleared the interrupted creation of access-service" in said
    assert "removed what a killed run left: Server lost" in said
    assert what_is_rented(rented) == RENTED
    rented.succeed("deploy", "access-service-3.2.3", "cloud-one")
    assert rented.versions("cloud-one") == {"access-service": "3.2.3"}


def test_clean_leaves_what_is_not_on_this_host(rented: StandInProject) -> None:
    rented.succeed("deploy", "access-service-3.2.3", "cloud-one")
    rented.succeed("deploy", "access-service-3.2.3", "dev-one")
    said = rented.succeed("clean", "--yes")
    assert f"cloud-one stays: it has machines elsewhere, such as {NODES[0]}" in said
    assert "forgot dev-one" in said
    assert what_is_rented(rented) == RENTED
    assert rented.versions("cloud-one") == {"access-service": "3.2.3"}


def test_what_a_kind_cannot_do_is_said_before_anything_is_begun(rented: StandInProject) -> None:
    asking = ENVIRONMENT.replace("true}", "true, snapshots: {before_upgrade: true}}")
    rented.write("stacks/environments/cloud.yaml", asking)
    said = rented.fail("deploy", "access-service-3.2.3", "cloud-one")
    lacks = "machines of the kind rented have no snapshots of disks"
    assert f"environment cloud asks for a snapshot before an upgrade: {lacks}" in said
    assert what_is_rented(rented) == set()
    rented.write("stacks/environments/cloud.yaml", ENVIRONMENT)
    rented.succeed("deploy", "access-service-3.2.3", "cloud-one")
    assert f"cloud-one: {lacks}" in rented.fail("snapshot", "create", "cloud-one")


def test_settings_of_a_kind_are_checked_with_all_else(rented: StandInProject) -> None:
    rented.write("stacks/environments/cloud.yaml", "machines: rented\nrented: {patience: long}\ncapacity: {node: 1}\n")
    said = rented.fail("deploy", "access-service-3.2.3", "cloud-one")
    for mistake in ("rented.account: is required", "rented.patience: expected a whole", "capacity.node: unknown key"):
        assert f"stacks/environments/cloud.yaml: {mistake}" in said
    rented.write("stacks/environments/cloud.yaml", "rented: {account: acme}\n")
    assert "cloud.yaml: rented: unknown key" in rented.fail("deploy", "access-service-3.2.3", "cloud-one")

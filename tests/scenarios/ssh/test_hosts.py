"""A domain on hosts that have a life of their own: it comes, is upgraded and goes, and leaves them as they were."""

from __future__ import annotations

import re
import socket

import pytest

from tests import versions
from tests.scenarios.ssh.conftest import Rack
from tests.scenarios.trouble.beacon import UP, Run
from tests.scenarios.workspace import eventually, get

DOMAIN = "rack-access"
TABLE = "inet soop_rack_access"
NODES = {"rack1": f"database-1.access-service.{DOMAIN}", "rack2": f"web-1.access-service.{DOMAIN}"}


def test_a_domain_comes_to_existing_hosts_is_upgraded_and_leaves_them_as_they_were(rack: Rack) -> None:
    project = rack.project
    life = {name: rack.life(name) for name in rack.hosts}
    rack.list_hosts("rack1", "rack2", ssh_from="192.0.2.0/24")
    definition = project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    definition.write_text(
        "config:\n  soop:environment: rack\n  soop:services:\n"
        "    - service: access-service-3.2.3\n      nodes: {web: 1}\n"
    )
    project.must("soop", "build", "service_defs/access-service")
    versions.make(project.root, "access-service-3.2.4")
    project.must("soop", "build", "service_defs/access-service")

    locked_out = project.fails("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    assert (
        f"it is reached from {rack.deployer}, which the environment's security.ssh_from does not let in" in locked_out
    )
    assert {name: rack.life(name) for name in rack.hosts} == life

    rack.list_hosts("rack1", "rack2", ssh_from=rack.deployer)
    project.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    assert answers(rack) == ("3.2.3", "reachable")
    assert project.changes(DOMAIN) == {}
    for host, node in NODES.items():
        assert node in rack.on(host, "cat /var/lib/soop/claim.json")

    rack.restart("rack1")
    assert open_to_a_stranger(rack) == set()

    rack.lock_out("rack2", TABLE)
    assert f"ip saddr {rack.deployer} accept" in rack.on("rack2", f"nft list table {TABLE}")
    rack.on("rack2", "nft flush ruleset")
    rack.through = rack.jump
    rack.list_hosts("rack1", "rack2", ssh_from=rack.jump.address, public="access-service.http")
    project.must("soop", "deploy", "--yes", "access-service-3.2.4", DOMAIN)
    assert answers(rack) == ("3.2.4", "reachable")
    assert open_to_a_stranger(rack) == {("rack2", 80)}
    with pytest.raises(OSError, match="timed out"):
        socket.create_connection((rack.hosts["rack1"].address, 22), 3)

    with versions.bad(project.root, "wrong") as bad:
        project.must("soop", "build", "service_defs/access-service")
        assert "smoke test" in project.fails("soop", "deploy", "--yes", bad, DOMAIN)
    assert answers(rack) == ("3.2.4", "reachable")

    definition.write_text(definition.read_text().replace("access-service-3.2.4", "access-service-3.2.3"))
    Run(project, *UP, "--stack", DOMAIN).until("Release access-service updating").kill()
    eventually(project.is_quiet, 60)
    assert "removed the lock of process" in project.must("soop", "recover", DOMAIN)
    project.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    assert answers(rack) == ("3.2.3", "reachable")

    project.must("soop", "rotate", DOMAIN, "ssh-key")
    assert project.ssh(NODES["rack2"], "id", "-un").split()[-1] == "root"
    assert "3.2.3" in project.must("soop", "status", DOMAIN)
    project.must("soop", "logs", NODES["rack2"])
    project.must("soop", "restart", "access-service", DOMAIN, "web-1")

    other = project.root / "stacks/Pulumi.rack-other.yaml"
    other.write_text(definition.read_text().split("encryptionsalt")[0])
    refused = project.fails("soop", "deploy", "--yes", "access-service-3.2.3", "rack-other")
    for host, node in NODES.items():
        assert f"{host} belongs to {node}" in refused
    project.must("soop", "destroy", "--yes", "rack-other")
    assert answers(rack) == ("3.2.3", "reachable")

    project.must("soop", "destroy", "--yes", DOMAIN)
    assert {name: changed(life[name], rack.life(name)) for name in rack.hosts} == {"rack1": [], "rack2": []}


def open_to_a_stranger(rack: Rack) -> set[tuple[str, int]]:
    """Return the ports of hosts at which something listens, and that somebody who is not told to may connect to."""
    listening = {"rack1": (22, 5432), "rack2": (22, 80, 8080)}
    return rack.reached((name, port) for name, ports in listening.items() for port in ports)


def changed(before: list[str], after: list[str]) -> list[str]:
    """Return what differs, but for what dpkg keeps of removed packages: settings, accounts, masks of their units."""
    kept = re.compile(r"/etc/(?!.*(soop|access)).*|(postgres|ssl-cert):.*|\S+ masked")
    return sorted(line for line in set(before) ^ set(after) if not kept.fullmatch(line))


def answers(rack: Rack) -> tuple[str, str]:
    """Return what the service says of itself."""
    (url,) = rack.project.service(DOMAIN)["endpoints"]["http"]
    status, said = get(f"{url}/health")
    assert status == 200
    return said["version"], said["database"]

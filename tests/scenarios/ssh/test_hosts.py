"""A domain on hosts that have a life of their own: it comes, is upgraded and goes, and leaves them as they were.

Upgrades that fail or are killed, and downgrades, are a matter of states and runners, whatever made the machines:
on hosts they belong to the soak.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from tests import versions
from tests.scenarios.same_artifact import runs_the_same_artifact
from tests.scenarios.ssh.conftest import Rack
from tests.scenarios.trouble.beacon import UP, Run
from tests.scenarios.workspace import eventually, get

DOMAIN, OTHER, TRIED = "rack-access", "rack-other", "rack-tried"
TABLE = "inet soop_rack_access"
NODES = {"rack1": f"database-1.access-service.{DOMAIN}", "rack2": f"web-1.access-service.{DOMAIN}"}


def test_a_domain_comes_to_existing_hosts_is_upgraded_and_leaves_them_as_they_were(rack: Rack) -> None:
    project = rack.project
    life = {name: rack.life(name) for name in rack.hosts}
    rack.list_hosts("rack1", "rack2", ssh_from="192.0.2.0/24")
    definition = define(rack, DOMAIN)

    rack.listen(80, 5432)
    unfit = project.fails("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    rack.fall_silent(80, 5432)
    assert f"it is reached from {rack.deployer}, which the environment's security.ssh_from does not let in" in unfit
    assert re.search(r"port (80|5432) is in use by python3 \(process \d+\), which the node needs", unfit)
    assert {name: rack.life(name) for name in rack.hosts} == life

    rack.list_hosts("rack1", "rack2", ssh_from=rack.deployer, of_the_stranger=OTHER)
    told = f"  soop:accessibility: {{from: [{OTHER}]}}\n"
    definition.write_text(definition.read_text().replace("config:\n", f"config:\n{told}"))
    deployed = project.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    assert "takes the place of files of somebody else: /opt/access-service/access.py" in deployed
    assert answers(rack) == ("3.2.3", "reachable")
    assert runs_the_same_artifact(project, DOMAIN)
    assert project.changes(DOMAIN) == {}
    for host, node in NODES.items():
        assert node in rack.on(host, "cat /var/lib/soop/claim.json")

    rack.restart("rack1")
    assert open_to_a_stranger(rack) == {("rack2", 80)}

    rack.lock_out("rack2", TABLE)
    assert f"ip saddr {rack.deployer} accept" in rack.on("rack2", f"nft list table {TABLE}")
    rack.on("rack2", "nft flush ruleset")
    rack.through = rack.jump
    rack.list_hosts("rack1", "rack2", ssh_from=rack.jump.address, public="access-service.http")
    definition.write_text(definition.read_text().replace(told, ""))
    project.must("soop", "deploy", "--yes", "access-service-3.2.4", DOMAIN)
    assert answers(rack) == ("3.2.4", "reachable")
    assert open_to_a_stranger(rack) == {("rack2", 80)}
    with pytest.raises(OSError, match="timed out"):
        socket.create_connection((rack.hosts["rack1"].address, 22), 3)

    project.must("soop", "rotate", DOMAIN, "ssh-key")
    assert project.ssh(NODES["rack2"], "id", "-un").split()[-1] == "root"
    assert "3.2.4" in project.must("soop", "status", DOMAIN)

    define(rack, OTHER)
    refused = project.fails("soop", "deploy", "--yes", "access-service-3.2.3", OTHER)
    for host, node in NODES.items():
        assert f"{host} belongs to {node}" in refused
    assert answers(rack) == ("3.2.4", "reachable")

    project.must("soop", "destroy", "--yes", DOMAIN)
    assert {name: changed(life[name], rack.life(name)) for name in rack.hosts} == {"rack1": [], "rack2": []}


@pytest.mark.soak
def test_upgrades_on_existing_hosts_fail_are_killed_and_go_back(rack: Rack) -> None:
    project, rack.through = rack.project, None
    rack.list_hosts("rack1", "rack2", ssh_from=rack.deployer)
    definition = define(rack, TRIED)
    project.must("soop", "deploy", "--yes", "access-service-3.2.4", TRIED)

    with versions.bad(project.root, "wrong") as bad:
        project.must("soop", "build", "service_defs/access-service")
        assert "smoke test" in project.fails("soop", "deploy", "--yes", bad, TRIED)
    assert answers(rack, TRIED) == ("3.2.4", "reachable")

    definition.write_text(definition.read_text().replace("access-service-3.2.4", "access-service-3.2.3"))
    Run(project, *UP, "--stack", TRIED).until("Release access-service updating").kill()
    eventually(project.is_quiet, 60)
    assert "removed the lock of process" in project.must("soop", "recover", TRIED)
    project.must("soop", "deploy", "--yes", "access-service-3.2.3", TRIED)
    assert answers(rack, TRIED) == ("3.2.3", "reachable")

    project.must("soop", "logs", f"web-1.access-service.{TRIED}")
    project.must("soop", "restart", "access-service", TRIED, "web-1")
    project.must("soop", "destroy", "--yes", TRIED)


def define(rack: Rack, domain: str) -> Path:
    """Write a domain's definition: two nodes, one for each host."""
    definition = rack.project.root / f"stacks/Pulumi.{domain}.yaml"
    definition.write_text(
        "config:\n  soop:environment: rack\n  soop:services:\n"
        "    - service: access-service-3.2.3\n      nodes: {web: 1}\n"
    )
    return definition


def open_to_a_stranger(rack: Rack) -> set[tuple[str, int]]:
    """Return the ports of hosts at which something listens, and that somebody who is not told to may connect to."""
    listening = {"rack1": (22, 5432), "rack2": (22, 80, 8080)}
    return rack.reached((name, port) for name, ports in listening.items() for port in ports)


def changed(before: list[str], after: list[str]) -> list[str]:
    """Return what differs, but for what dpkg keeps of removed packages: settings, accounts, masks of their units."""
    kept = re.compile(r"/etc/(?!.*(soop|access)).*|(postgres|ssl-cert):.*|\S+ masked")
    return sorted(line for line in set(before) ^ set(after) if not kept.fullmatch(line))


def answers(rack: Rack, domain: str = DOMAIN) -> tuple[str, str]:
    """Return what the service says of itself."""
    (url,) = rack.project.service(domain)["endpoints"]["http"]
    status, said = get(f"{url}/health")
    assert status == 200
    return said["version"], said["database"]

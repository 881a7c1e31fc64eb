"""A domain from one artifact on real machines: comes up, answers, stays, is repaired, and goes without a trace."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.scenarios.same_artifact import runs_the_same_artifact
from tests.scenarios.workspace import Workspace, eventually, get

DOMAIN = "dev-access"
OTHER = "dev-one-access"
"""A second domain, with which the tests of failures go on."""
NODES = [f"{name}.access-service.{DOMAIN}" for name in ("database-1", "web-1", "web-2")]


@pytest.fixture(scope="module")
def domain(project: Workspace) -> Workspace:
    """The example's domain, up and running."""
    project.must("pulumi", "stack", "select", "--create", DOMAIN)
    project.up(DOMAIN)
    return project


def units(project: Workspace, node: str, *names: str) -> str:
    """Return what differs when units were restarted."""
    return project.sh(node, f"systemctl show --property=Id,InvocationID,ActiveState {' '.join(names)}")


def test_outputs_show_exactly_what_is_deployed(domain: Workspace) -> None:
    service = domain.service(DOMAIN)
    listed = domain.must("soop", "list")
    assert service["version"] == "3.2.3"
    assert service["digest"] in listed
    assert runs_the_same_artifact(domain, DOMAIN)
    assert sorted(service["nodes"]) == NODES
    assert {node["version"] for node in service["nodes"].values()} == {"3.2.3"}
    assert all(node["healthy"] for node in service["nodes"].values())
    assert len(service["endpoints"]["http"]) == 2


def test_every_url_answers_with_service_version_node_and_database(domain: Workspace) -> None:
    answers = [get(f"{url}/health") for url in domain.service(DOMAIN)["endpoints"]["http"]]
    assert answers == [
        (200, {"service": "access-service", "version": "3.2.3", "node": node, "database": "reachable"})
        for node in NODES[1:]
    ]


def test_the_service_grants_checks_and_revokes(domain: Workspace) -> None:
    one, other = domain.service(DOMAIN)["endpoints"]["http"]
    assert get(f"{one}/access/ann/42") == (200, {"allowed": False})
    assert get(f"{one}/grants/ann/42", "PUT")[0] in (200, 201, 204)
    assert get(f"{other}/access/ann/42") == (200, {"allowed": True})
    assert get(f"{other}/grants/ann/42", "DELETE")[0] in (200, 204)
    assert get(f"{one}/access/ann/42") == (200, {"allowed": False})


def test_names_of_all_nodes_resolve_on_every_node(domain: Workspace) -> None:
    for node in NODES:
        found = domain.ssh(node, "getent", "hosts", *NODES).split()
        assert [name for name in found if name in NODES] == NODES


def test_a_second_up_changes_nothing_and_restarts_nothing(domain: Workspace) -> None:
    before = [units(domain, node, "nginx", "access-service-api", "postgresql@15-main") for node in NODES]
    assert domain.changes(DOMAIN) == {}
    assert set(re.findall(r"^ +\S* ?\d+ (\w+)", domain.up(DOMAIN), re.MULTILINE)) == {"unchanged"}
    assert [units(domain, node, "nginx", "access-service-api", "postgresql@15-main") for node in NODES] == before


def test_one_changed_value_restarts_only_what_uses_it(domain: Workspace) -> None:
    def states() -> list[list[str]]:
        """Return a block per unit, for each node."""
        names = ("nginx", "access-service-api", "postgresql@15-main")
        return [units(domain, node, *names).strip().split("\n\n") for node in NODES]

    before = states()
    path = "soop:services[0].config.workers"
    domain.must("pulumi", "config", "set", "--stack", DOMAIN, "--path", path, "3")
    domain.up(DOMAIN)
    changed = [[old != new for old, new in zip(*pair, strict=True)] for pair in zip(before, states(), strict=True)]
    assert changed == [[False, False, False], [False, True, False], [False, True, False]]


def test_what_was_changed_by_hand_is_seen_and_repaired_and_only_that(domain: Workspace) -> None:
    web_1, web_2 = NODES[1], NODES[2]
    untouched = units(domain, web_2, "nginx", "access-service-api")
    domain.sh(web_1, "echo '# by hand' >> /opt/access-service/access.py")
    domain.sh(web_1, "systemctl stop nginx")
    seen = domain.must("pulumi", "preview", "--stack", DOMAIN)
    assert "/opt/access-service/access.py" in seen
    assert "nginx.service" in seen
    assert domain.changes(DOMAIN) == {"update": 1}
    domain.up(DOMAIN)
    assert "by hand" not in domain.sh(web_1, "cat /opt/access-service/access.py")
    assert domain.sh(web_1, "systemctl is-active nginx").strip() == "active"
    assert units(domain, web_2, "nginx", "access-service-api") == untouched
    assert domain.changes(DOMAIN) == {}


def test_a_dead_machine_is_seen_and_comes_back_with_its_disk(domain: Workspace) -> None:
    one = domain.service(DOMAIN)["endpoints"]["http"][0]
    assert get(f"{one}/grants/ben/7", "PUT")[0] in (200, 201, 204)
    domain.run("soop", "ssh", NODES[0], "systemctl poweroff --force --force")
    eventually(lambda: domain.run("soop", "ssh", NODES[0], "true").exit_code != 0)
    assert domain.changes(DOMAIN) == {"update": 2}
    domain.up(DOMAIN)
    eventually(lambda: get(f"{one}/access/ben/7") == (200, {"allowed": True}))
    assert domain.changes(DOMAIN) == {}


def test_a_database_on_a_new_machine_has_all_its_rows(domain: Workspace) -> None:
    one = domain.service(DOMAIN)["endpoints"]["http"][0]
    count = "cd / && runuser -u postgres -- psql -qtAc 'SELECT count(*), max(reader) FROM grants' access"
    before = domain.sh(NODES[0], count)
    assert int(before.split("|")[0]) > 0
    domain.sh(NODES[0], "touch /etc/gone")
    said = domain.must("soop", "replace", "--yes", NODES[0])
    assert "making its machine anew from debian-12" in said
    assert domain.run("soop", "ssh", NODES[0], "test -e /etc/gone").exit_code == 1
    assert domain.sh(NODES[0], count) == before
    eventually(lambda: get(f"{one}/access/ben/7") == (200, {"allowed": True}))
    assert domain.changes(DOMAIN) == {}


def test_a_preview_shows_the_lines_that_a_changed_template_changes(domain: Workspace) -> None:
    definition = domain.root / "service_defs/access-service/service.yaml"
    original = definition.read_text()
    definition.write_text(original.replace("--threads 4", "--threads 6"))
    try:
        built = domain.must("soop", "build", "service_defs/access-service")
    finally:
        definition.write_text(original)
    (reference,) = {word for word in built.split() if word.startswith("access-service-3.2.4-dev.")}
    stack = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    before = stack.read_text()
    stack.write_text(before.replace("access-service-3.2.3", reference))
    try:
        shown = domain.must("pulumi", "preview", "--diff", "--stack", DOMAIN)
    finally:
        stack.write_text(before)
    changed = [line.split() for line in shown.splitlines() if "--threads" in line]
    assert [line[0] for line in changed] == ["-", "+"]
    assert "4" in changed[0]
    assert "6" in changed[1]
    password = domain.must("pulumi", "stack", "export", "--stack", DOMAIN)
    assert "BEGIN OPENSSH PRIVATE KEY" not in password + shown


def test_no_secret_is_readable_outside_root_s_files(domain: Workspace) -> None:
    find = "sed -n 's,.*postgresql://[^:]*:\\([^@]*\\)@.*,\\1,p' /etc/access-service/api.env"
    secret = domain.sh(NODES[1], find).strip()
    assert len(secret) == 32
    state = domain.root / ".soop/state"
    assert subprocess.run(["grep", "-rqF", secret, str(state)], check=False).returncode == 1
    assert not list(state.glob(".pulumi/**/*.attrs")), "whoever kills an engine that writes one stops all domains"
    for node in NODES:
        search = f"find / -xdev -type f -perm /o+r -size -4M -print0 | xargs -0 grep -lF -- {secret}"
        assert domain.sh(node, f"({search}) 2>/dev/null || true").strip() == ""
        assert secret not in domain.sh(node, "journalctl --no-pager; ps -ef; systemctl show '*'")


def connects(project: Workspace, source: str, target: str, port: int, seconds: int) -> bool:
    """Return whether a node can connect to a port of a node of ``DOMAIN`` within some seconds."""
    address = project.service(DOMAIN)["nodes"][target]["address"]
    program = f'import socket; socket.create_connection(("{address}", {port}), {seconds})'
    return project.run("soop", "ssh", source, f"python3 -c '{program}'").exit_code == 0


def a_domain_reaches_another_one_where_that_is_told_to(domain: Workspace, source: str) -> None:
    """Nodes connect to the endpoints of a domain that names theirs, and to nothing else; nothing is restarted."""
    definition = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    before, running = definition.read_text(), units(domain, NODES[1], "nginx", "access-service-api")
    assert not connects(domain, source, NODES[1], 80, seconds=2)
    told = f"  soop:accessibility: {{from: [{OTHER}]}}\n  soop:services:\n"
    definition.write_text(before.replace("  soop:services:\n", told))
    domain.up(DOMAIN)
    assert connects(domain, source, NODES[1], 80, seconds=60)
    assert not connects(domain, source, NODES[1], 22, seconds=2)
    assert not connects(domain, source, NODES[0], 5432, seconds=2)
    assert units(domain, NODES[1], "nginx", "access-service-api") == running
    definition.write_text(before)
    domain.up(DOMAIN)
    assert not connects(domain, source, NODES[1], 80, seconds=2)


def test_a_further_domain_comes_up_beside_the_first_and_reaches_it_where_that_is_told_to(domain: Workspace) -> None:
    domain.must("soop", "deploy", "--yes", "access-service-3.2.3", OTHER)
    assert domain.service(OTHER)["version"] == "3.2.3"
    (status, health) = get(domain.service(OTHER)["endpoints"]["http"][0] + "/health")
    assert (status, health["node"]) == (200, f"web-1.access-service.{OTHER}")
    assert domain.changes(DOMAIN) == {}
    output = domain.must("soop", "status")
    assert OTHER in output
    a_domain_reaches_another_one_where_that_is_told_to(domain, f"web-1.access-service.{OTHER}")

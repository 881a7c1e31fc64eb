"""Two services in one domain: a gateway over the access service's web nodes, each with releases of its own."""

from __future__ import annotations

import json
import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import versions
from tests.scenarios.meanwhile import asking, granting
from tests.scenarios.workspace import Workspace, eventually, get, workspace

DOMAIN = "dev-gate-access"
GATEWAY = f"gateway-1.gateway-service.{DOMAIN}"
WEB = [f"{name}.access-service.{DOMAIN}" for name in ("web-1", "web-2")]


@pytest.fixture(scope="module")
def domain() -> Iterator[Workspace]:
    """Both services in a new domain, by their names and versions alone."""
    with workspace("gateway") as project:
        project.must("soop", "build", "service_defs/access-service")
        project.must("soop", "build", "service_defs/gateway-service")
        project.must("soop", "deploy", "--yes", "gateway-service-1.2.3", "access-service-3.2.3", DOMAIN)
        yield project


def entrance(project: Workspace) -> str:
    """Return the gateway's address."""
    found: list[str] = project.service(DOMAIN, "gateway-service")["endpoints"]["http"]
    return found[0]


def behind(project: Workspace) -> list[str]:
    """Ask through the gateway several times and return the nodes that answered; each time one must."""
    url = f"{entrance(project)}/health"
    answers = [get(url) for _ in range(12)]
    assert {status for status, _ in answers} == {200}
    return sorted({answer["node"] for _, answer in answers})


def workers(project: Workspace) -> str:
    """Return the process ids of the gateway's nginx, all of which a reload or a restart would change."""
    return project.ssh(GATEWAY, "pgrep nginx")


def test_four_nodes_come_up_each_of_one_service(domain: Workspace) -> None:
    services = domain.outputs(DOMAIN)["services"]
    assert {name: sorted(service["nodes"]) for name, service in services.items()} == {
        "access-service": [f"database-1.access-service.{DOMAIN}", *WEB],
        "gateway-service": [GATEWAY],
    }
    assert {name: service["version"] for name, service in services.items()} == {
        "access-service": "3.2.3",
        "gateway-service": "1.2.3",
    }
    assert domain.changes(DOMAIN) == {}


def test_requests_through_the_gateway_reach_every_web_node(domain: Workspace) -> None:
    url = entrance(domain)
    assert get(f"{url}/gateway") == (200, {"service": "gateway-service", "version": "1.2.3", "node": GATEWAY})
    assert behind(domain) == WEB
    assert get(f"{url}/grants/ann/42", "PUT")[0] == 204
    assert [get(f"{url}/access/ann/42") for _ in range(4)] == [(200, {"allowed": True})] * 4
    assert get(f"{url}/grants/ann/42", "DELETE")[0] == 204


def test_a_node_that_is_avoided_is_asked_after_all_when_the_other_one_fails(domain: Workspace) -> None:
    """As in a rollout that passes from one node to the next: both have failed lately, one of them is back."""
    domain.ssh(WEB[0], "systemctl stop access-service-api.socket access-service-api.service")
    assert behind(domain) == WEB[1:]
    domain.ssh(WEB[0], "systemctl start access-service-api.socket")
    direct = domain.service(DOMAIN)["endpoints"]["http"][0]
    eventually(lambda: get(f"{direct}/health")[0] == 200)
    domain.ssh(WEB[1], "systemctl stop access-service-api.socket access-service-api.service")
    assert behind(domain) == WEB[:1]
    domain.ssh(WEB[1], "systemctl start access-service-api.socket")


def test_the_gateway_answers_while_a_web_node_is_gone(domain: Workspace) -> None:
    before = workers(domain)
    domain.run("soop", "ssh", WEB[0], "systemctl poweroff --force --force")
    assert behind(domain) == WEB[1:]
    domain.up(DOMAIN)
    assert workers(domain) == before
    assert domain.changes(DOMAIN) == {}


def test_a_web_node_gets_a_new_machine_without_a_request_failing(domain: Workspace) -> None:
    running = workers(domain)
    with asking(f"{entrance(domain)}/access/ann/42") as answers:
        domain.must("soop", "replace", "--yes", WEB[0])
    assert set(answers) == {200}, domain.ssh(GATEWAY, "tail /var/log/nginx/error.log")
    eventually(lambda: behind(domain) == WEB, 60)  # nginx asks a node that has failed after a while only
    assert workers(domain) == running
    assert domain.changes(DOMAIN) == {}


def test_a_candidate_is_deployed_behind_the_gateway_without_a_request_failing(domain: Workspace) -> None:
    """Edit, build, deploy: no version is changed by hand."""
    source = domain.root / "service_defs/access-service/app/access.py"
    source.write_text(source.read_text().replace('"the database does not answer"', '"the database is silent"'))
    built = domain.must("soop", "build", "service_defs/access-service")
    (candidate,) = {word for word in built.split() if word.startswith("access-service-3.2.4-dev.")}
    gateway, running = domain.service(DOMAIN, "gateway-service"), workers(domain)
    with asking(f"{entrance(domain)}/access/ann/42") as answers:
        domain.must("soop", "deploy", "--yes", candidate, DOMAIN)
    assert set(answers) == {200}, domain.ssh(GATEWAY, "tail /var/log/nginx/error.log")
    assert f"access-service-{get(f'{entrance(domain)}/health')[1]['version']}" == candidate
    assert domain.service(DOMAIN, "gateway-service") == gateway
    assert workers(domain) == running
    assert domain.changes(DOMAIN) == {}


def test_a_version_that_the_gateway_does_not_admit_is_refused(domain: Workspace) -> None:
    domain.must("soop", "build", "--version", "4.0.0", "service_defs/access-service")
    output = domain.fails("soop", "deploy", "--yes", "access-service-4.0.0", DOMAIN)
    assert "gateway-service-1.2.3 requires access-service >=3.2,<4 (got access-service-4.0.0)" in output
    assert "such as access-service-3.2.3" in output
    assert domain.changes(DOMAIN) == {}


def test_a_gateway_without_what_it_needs_is_refused_before_anything_is_made(domain: Workspace) -> None:
    output = domain.fails("soop", "deploy", "--yes", "gateway-service-1.2.3", "dev-alone")
    assert "soop deploy access-service-3.2.3 gateway-service-1.2.3 dev-alone" in output
    assert not (domain.root / "stacks/Pulumi.dev-alone.yaml").exists()
    assert "dev-alone" not in domain.must("pulumi", "stack", "ls")


def test_a_domain_too_many_is_refused_before_anything_is_made(domain: Workspace) -> None:
    environment = domain.root / "stacks/environments/dev.yaml"
    before = environment.read_text()
    environment.write_text(before.replace("nodes: 60", "nodes: 12"))
    try:
        output = domain.fails("soop", "deploy", "--yes", "access-service-3.2.3", "dev-alone")
    finally:
        environment.write_text(before)
    assert "environment dev has 12 nodes; dev-alone asks for 3 nodes, 10 of them are taken by" in output
    assert f"{DOMAIN} (4)" in output
    assert "dev-alone" not in domain.must("pulumi", "stack", "ls")


def test_upgrades_and_a_downgrade_go_unnoticed_and_lose_nothing(domain: Workspace) -> None:
    """The program alone, then a schema that serves both, then back to the program that does not know it."""
    stack = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    for reference in ("access-service-3.2.4", "access-service-3.3.0"):
        versions.make(domain.root, reference)
        domain.must("soop", "build", "service_defs/access-service")
    url = entrance(domain)
    stack.write_text(re.sub(r"(service: access-service-\S+)", r"\1\n      nodes: {web: 3}", stack.read_text()))
    domain.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    with asking(f"{url}/access/ann/42") as answers, granting(url, "upgraded") as (acknowledged, others):
        for reference in ("access-service-3.2.4", "access-service-3.3.0", "access-service-3.2.4"):
            domain.must("soop", "deploy", "--yes", reference, DOMAIN)
            assert f"access-service-{get(f'{url}/health')[1]['version']}" == reference
            if reference == "access-service-3.3.0":
                assert get(f"{url}/grants/ben/7?seconds=0", "PUT")[0] == 204
                assert get(f"{url}/access/ben/7") == (200, {"allowed": False})
    assert (set(answers), others) == ({200}, [])
    assert get(f"{url}/grants/upgraded") == (200, {"articles": acknowledged})
    assert domain.changes(DOMAIN) == {}


def test_bad_versions_end_on_the_last_good_one_and_nobody_notices(
    domain: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    url, running, good = entrance(domain), domain.service(DOMAIN), seen(domain)[0]
    with asking(f"{url}/access/ann/42") as answers, granting(url, "endured") as (acknowledged, others):
        for fault in versions.FAULTS:
            with versions.bad(domain.root, fault) as reference:
                domain.must("soop", "build", "service_defs/access-service")
            begun = time.monotonic()
            said = domain.fails("soop", "deploy", "--yes", reference, DOMAIN)
            with capsys.disabled():
                print(f"\n{reference}: back on {good['access-service']} after {time.monotonic() - begun:.1f} s")
            assert f"{reference} was not accepted" in said
            assert domain.service(DOMAIN) == running
    assert seen(domain)[0] == good
    assert (set(answers), others) == ({200}, [])
    assert get(f"{url}/grants/endured") == (200, {"articles": acknowledged})
    assert domain.changes(DOMAIN) == {}


def test_a_password_of_the_database_is_rotated_unnoticed(domain: Workspace) -> None:
    """The login of the new one is there before a program uses it, and that of the old one stays for a day."""

    def ask(sql: str) -> list[str]:
        psql = f"cd /; runuser -u postgres -- psql -qAtX -d access -c {shlex.quote(sql)}"
        return domain.ssh(f"database-1.access-service.{DOMAIN}", psql).split()

    def logins(what: str) -> list[str]:
        return ask(f"SELECT {what} FROM pg_roles WHERE rolcanlogin AND rolname ~ '^access_' ORDER BY rolvaliduntil")

    url, (before,) = entrance(domain), logins("rolname")
    with asking(f"{url}/access/ann/42") as answers, granting(url, "rotated") as (acknowledged, others):
        domain.must("soop", "rotate", DOMAIN, "access-service.database_password")
    assert (set(answers), others) == ({200}, [])
    old, new = logins("rolname")
    assert old == before != new
    assert logins("rolvaliduntil BETWEEN now() + '1 hour' AND now() + '1 day'") == ["t", "f"]
    assert ask("SELECT article FROM grants WHERE reader = 'rotated' ORDER BY article") == acknowledged
    assert domain.changes(DOMAIN) == {}


def seen(project: Workspace) -> tuple[dict[str, str], dict[str, str]]:
    """Return the version of each service, on which the state, `soop status` and all nodes agree; and the processes of
    both services on each node, as a restart or a reload would change them.
    """
    show = "systemctl show --property Id,MainPID 'access-service-*.service' nginx.service 'postgresql@*.service'"
    (status,) = json.loads(project.must("soop", "status", "--refresh", "--json", DOMAIN))
    versions, processes = {}, {}
    for service, known in project.outputs(DOMAIN)["services"].items():
        shown = status["services"][service]
        said = {shown["version"], known["version"], *(node["version"] for node in shown["nodes"].values())}
        assert all(node["healthy"] and not node["drift"] for node in shown["nodes"].values())
        for node in shown["nodes"]:
            found = project.ssh(node, f"cat /var/lib/soop/accepted.json; echo; {show}; pgrep nginx || true")
            document, _, processes[node] = found.partition("\n")
            said.add(json.loads(document)["version"])
        assert len(said) == 1, said
        versions[service] = said.pop()
    return versions, processes


TOGETHER = "  soop:together:\n    - [gateway-service, access-service]\n"


@pytest.fixture
def stack(domain: Workspace) -> Iterator[Path]:
    """The domain definition, in which no group of services is left afterwards."""
    path = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    yield path
    path.write_text(path.read_text().replace(TOGETHER, ""))


def test_services_that_are_deployed_together_go_forward_or_back_together(domain: Workspace, stack: Path) -> None:
    alone = stack.read_text()
    before, processes = seen(domain)
    good, better = f"access-service-{before['access-service']}", "access-service-3.9.0"
    domain.must("soop", "build", "--version", "3.9.0", "service_defs/access-service")
    gateway = domain.root / "service_defs/gateway-service/service.yaml"
    source = gateway.read_text()
    gateway.write_text(source.replace("database: reachable", "database: gone"))
    domain.must("soop", "build", "--version", "1.9.9-wrong", "service_defs/gateway-service")
    gateway.write_text(source)
    domain.must("soop", "build", "--version", "1.9.9", "service_defs/gateway-service")

    grouped = alone.replace("config:\n", f"config:\n{TOGETHER}", 1)
    stack.write_text(grouped.replace(good, better))
    output = domain.fails("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", DOMAIN)
    assert f"runs {good}, which a new group of services would change or repair; nothing was changed" in output

    stack.write_text(grouped)
    domain.up(DOMAIN)
    assert (domain.changes(DOMAIN), seen(domain)) == ({}, (before, processes))

    both = (better, "gateway-service-1.9.9-wrong")
    with asking(f"{entrance(domain)}/access/ann/42") as answers:
        output = domain.fails("soop", "deploy", "--yes", *both, DOMAIN)
    assert set(answers) == {200}
    assert "access-service-3.9.0 and gateway-service-1.9.9-wrong were not accepted: smoke test" in output
    assert (seen(domain)[0], stack.read_text(), domain.changes(DOMAIN)) == (before, grouped, {})

    domain.must("soop", "deploy", "--yes", better, "gateway-service-1.9.9", DOMAIN)
    after = seen(domain)
    assert after[0] == {"access-service": "3.9.0", "gateway-service": "1.9.9"}
    stack.write_text(stack.read_text().replace(TOGETHER, ""))
    domain.up(DOMAIN)
    assert (domain.changes(DOMAIN), seen(domain)) == ({}, after)


def test_a_version_that_cannot_be_undone_goes_back_to_its_snapshot_when_somebody_says_so(domain: Workspace) -> None:
    stack = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    wanted = "nodes: {web: 3}\n      rollout: {database: {snapshot: true}}"
    stack.write_text(stack.read_text().replace("nodes: {web: 3}", wanted))
    url = entrance(domain)
    domain.must("soop", "deploy", "--yes", "access-service-3.3.0", DOMAIN)
    assert get(f"{url}/grants/eva/1", "PUT")[0] == 204
    versions.make(domain.root, "access-service-3.4.0")
    with versions.bad(domain.root, "wrong") as bad:
        domain.must("soop", "build", "service_defs/access-service")
    domain.must("soop", "build", "service_defs/access-service")
    said = domain.fails("soop", "deploy", "--yes", bad, DOMAIN)
    assert "rolled back to the last good version: database-1" in said
    assert get(f"{url}/grants/eva") == (200, {"articles": ["1"]})
    domain.must("soop", "deploy", "--yes", "access-service-3.4.0", DOMAIN)
    assert get(f"{url}/grants/eva") == (200, {"articles": ["1"]})
    assert get(f"{url}/grants/eva/2", "PUT")[0] == 204
    newer = stack.read_text()
    stack.write_text(newer.replace("access-service-3.4.0", "access-service-3.3.0"))
    said = domain.fails("pulumi", "preview", "--non-interactive", "--stack", DOMAIN)
    assert "store's 004_hashed_readers is irreversible" in said
    assert "`lose_data: {from: 3.4.0, to: 3.3.0, by: snapshot}`" in said
    stack.write_text(newer)
    said = domain.must("soop", "deploy", "--yes", "--lose-data", "snapshot", "access-service-3.3.0", DOMAIN)
    assert get(f"{url}/grants/eva") == (200, {"articles": ["1"]})
    assert domain.service(DOMAIN)["version"] == "3.3.0"
    assert domain.changes(DOMAIN) == {}

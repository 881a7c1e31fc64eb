"""A gateway over the access service's web nodes: each service has releases of its own."""

from __future__ import annotations

import json

from tests.scenarios.gateway.gate import DOMAIN, GATEWAY, WEB, behind, entrance, workers
from tests.scenarios.meanwhile import answered, asking, meanwhile, under_load
from tests.scenarios.workspace import Workspace, eventually, get


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
    domain.sh(WEB[0], "systemctl stop access-service-api.socket access-service-api.service")
    assert behind(domain) == WEB[1:]
    domain.sh(WEB[0], "systemctl start access-service-api.socket")
    direct = domain.service(DOMAIN)["endpoints"]["http"][0]
    eventually(lambda: get(f"{direct}/health")[0] == 200)
    domain.sh(WEB[1], "systemctl stop access-service-api.socket access-service-api.service")
    assert behind(domain) == WEB[:1]
    domain.sh(WEB[1], "systemctl start access-service-api.socket")


def test_the_gateway_answers_while_a_web_node_is_gone(domain: Workspace) -> None:
    before = workers(domain)
    domain.run("soop", "ssh", WEB[0], "systemctl poweroff --force --force")
    assert behind(domain) == WEB[1:]
    domain.up(DOMAIN)
    assert workers(domain) == before
    assert domain.changes(DOMAIN) == {}


def test_a_web_node_gets_a_new_machine_without_a_request_failing(domain: Workspace) -> None:
    with asking(f"{entrance(domain)}/access/ann/42") as answers:
        domain.must("soop", "replace", "--yes", WEB[0])
    assert set(answers) == {200}, domain.sh(GATEWAY, "tail /var/log/nginx/error.log")
    eventually(lambda: behind(domain) == WEB, 60)
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
    assert set(answers) == {200}, domain.sh(GATEWAY, "tail /var/log/nginx/error.log")
    assert f"access-service-{get(f'{entrance(domain)}/health')[1]['version']}" == candidate
    assert domain.service(DOMAIN, "gateway-service") == gateway
    assert workers(domain) == running
    assert domain.changes(DOMAIN) == {}


def test_gateways_come_and_go_and_each_answers_as_long_as_the_status_names_it(domain: Workspace) -> None:
    url, stack = entrance(domain), domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    one = stack.read_text()
    two = one.replace("gateway-service-1.2.3\n", "gateway-service-1.2.3\n      nodes: {gateway: 2}\n")
    left: list[bool] = []

    def named() -> list[str]:
        (status,) = json.loads(domain.must("soop", "status", "--json", DOMAIN))
        found: list[str] = status["services"]["gateway-service"]["endpoints"]["http"]
        return found

    def ask_the_second() -> None:
        if not left and answered(f"{second}/access/ann/42") != 200:
            left.append(second not in named())

    with under_load(f"{url}/access/ann/42") as answers:
        stack.write_text(two)
        domain.up(DOMAIN)
        (second,) = set(named()) - {url}
        with meanwhile(ask_the_second):
            stack.write_text(one)
            domain.up(DOMAIN)
            assert named() == [url]
    assert (answers.failed, left) == ({}, left and [True])
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
    environment.write_text(before.replace("nodes: 60", "nodes: 13"))
    try:
        output = domain.fails("soop", "deploy", "--yes", "access-service-3.2.3", "dev-alone")
    finally:
        environment.write_text(before)
    assert "environment dev has 13 nodes; dev-alone asks for 3 nodes, 11 of them are taken by" in output
    assert f"{DOMAIN} (4)" in output
    assert "dev-alone" not in domain.must("pulumi", "stack", "ls")

from __future__ import annotations

from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Accessibility, Environment
from soop_components.model.service_plan import ServicePlan
from soop_components.planning.service import plan_service
from tests.unit.planning.resolve import digest_of, resolve_data

DEV = Environment(name="dev")


def planned(environment: Environment = DEV, **more: Any) -> ServicePlan:
    definition = {
        "config": {
            "port": {"type": "integer", "default": 8080},
            "password": {"type": "string", "secret": True, "generate": 20},
        },
        "components": {"nothing": {"uses": "files"}},
        "nodes": {"web": {"components": ["nothing"], "count": {"default": 2}}},
        "endpoints": {"http": {"role": "web", "port": "{{ config.port }}"}},
        **more,
    }
    domain = DomainDefinition.model_validate(
        {"id": "dev-a", "environment": "dev", "services": [{"service": "test-service-1.0.0"}]}
    )
    resolved = resolve_data({"definition": definition})
    return plan_service(resolved, digest_of("m"), domain, environment, domain.services[0], {})


def test_what_is_looked_for_in_an_answer_is_text() -> None:
    expect = {"contains": "{{ config.port }}", "json": {"port": "{{ config.port }}"}}
    http = planned(smoke_tests=[{"name": "x", "http": {"endpoint": "http", "expect": expect}}]).smoke_tests[0].http
    assert http is not None
    assert (http.port, http.contains, http.json_) == (8080, "8080", {"port": 8080})


def test_headers_body_and_trust_may_be_secrets_that_are_asked_for() -> None:
    check = {
        "endpoint": "http",
        "method": "POST",
        "headers": {"Authorization": "Bearer {{ config.password }}", "X-Port": "{{ config.port }}"},
        "body": "{{ {'password': config.password} | json }}",
        "trust": "{{ config.password }}",
        "follow_redirects": True,
        "expect": {"headers": {"Location": "/{{ config.port }}"}},
    }
    endpoints = {"http": {"role": "web", "port": 443, "scheme": "https"}}
    plan = planned(endpoints=endpoints, smoke_tests=[{"name": "x", "nodes": "one", "when": "batch", "http": check}])
    (test,) = plan.smoke_tests
    assert test.http is not None
    mark = "@@soop-secret:password@@"
    assert (test.http.scheme, test.http.method, test.http.follow_redirects) == ("https", "POST", True)
    assert test.http.headers == {"Authorization": f"Bearer {mark}", "X-Port": "8080"}
    assert (test.http.body, test.http.trust) == ('{"password": @@soop-secret:password|json@@}', mark)
    assert test.http.answered_headers == {"Location": "/8080"}
    assert plan.secrets == {"password": 20}
    assert (test.one, test.when, len(test.http.nodes)) == (True, "batch", 2)


@pytest.mark.parametrize(
    ("http", "said"),
    [
        ({"path": "/{{ config.password }}"}, "a secret cannot be part of this"),
        ({"expect": {"contains": "{{ config.password }}"}}, "a secret cannot be part of this"),
        ({"expect": {"headers": {"A": "{{ config.password }}"}}}, "a secret cannot be part of this"),
        ({"headers": {"A": "@@soop-secret:other@@"}}, "is replaced by nothing"),
        ({"body": "@@soop-node:name@@"}, "is replaced by nothing"),
        ({"headers": {"A": "a\r\nHost: b"}}, r"http: headers.A: "),
    ],
)
def test_what_would_show_a_secret_or_be_another_request_is_refused(http: dict[str, Any], said: str) -> None:
    with pytest.raises(SoopError, match=said):
        planned(smoke_tests=[{"name": "x", "http": {"endpoint": "http", **http}}])


def test_secrets_of_smoke_tests_and_hooks_are_asked_for() -> None:
    plan = planned(smoke_tests=[{"name": "x", "script": "a", "secrets": ["password"]}])
    (test,) = plan.smoke_tests
    assert test.script is not None
    assert (test.script.secrets, test.script.nodes) == (("password",), ("web-1.test-service.dev-a",))
    assert plan.secrets == {"password": 20}
    hooks = {"drain": {"script": "a", "secrets": ["password"]}}
    plan = planned(nodes={"web": {"components": ["nothing"], "hooks": hooks}})
    assert plan.roles["web"].hooks["drain"].secrets == ("password",)
    assert plan.secrets == {"password": 20}


def test_a_script_runs_on_every_node_if_that_is_asked_for() -> None:
    (test,) = planned(smoke_tests=[{"name": "x", "script": "a", "nodes": "every"}]).smoke_tests
    assert test.script is not None
    assert (test.one, len(test.script.nodes)) == (False, 2)


def test_scripts_learn_where_the_service_is() -> None:
    script = planned(smoke_tests=[{"name": "x", "script": "a"}]).smoke_tests[0].script
    assert script is not None
    assert script.environment["SOOP_ENDPOINT_HTTP"] == "http://web-1.test-service.dev-a:8080"
    assert script.environment["SOOP_NODES_WEB"] == "web-1.test-service.dev-a,web-2.test-service.dev-a"


@pytest.mark.parametrize(
    ("port", "got"),
    [("{{ config.password }}", '"@@soop-secret:password@@"'), ("{{ 70000 }}", "70000"), ("{{ [] }}", "a list")],
)
def test_a_port_is_a_port(port: str, got: str) -> None:
    with pytest.raises(SoopError) as raised:
        planned(endpoints={"http": {"role": "web", "port": port}})
    assert str(raised.value) == f"test-service-1.0.0: endpoints.http.port: expected a port, 1 to 65535 (got {got})"


def test_the_port_of_ssh_is_no_public_endpoint() -> None:
    public = Environment(name="prod", accessibility=Accessibility(public=("test-service.http",)))
    endpoints = {"http": {"role": "web", "port": "{{ 22 }}"}}
    with pytest.raises(SoopError) as raised:
        planned(public, endpoints=endpoints)
    assert str(raised.value) == (
        "test-service-1.0.0: endpoints.http.port: 22 is the port of SSH, for which security.ssh_from counts; "
        "environment prod makes this endpoint public"
    )
    assert planned(endpoints=endpoints).endpoints
    assert planned(public).endpoints


@pytest.mark.parametrize("path", ["/a b", "/ HTTP/1.1\r\nHost: elsewhere", "/ä", "/{{ 'a\\nb' }}"])
def test_a_path_is_one_path_and_nothing_more_of_a_request(path: str) -> None:
    with pytest.raises(SoopError) as raised:
        planned(smoke_tests=[{"name": "x", "http": {"endpoint": "http", "path": path}}])
    said = "test-service-1.0.0: smoke_tests[0].http: path: expected a path without spaces and line ends"
    assert str(raised.value).startswith(said)

"""Several services of one domain: their order, what one sees of another, and whose the nodes are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from soop_components.errors import InvalidInput
from soop_components.model.domain import DomainDefinition
from soop_components.model.environment import Environment
from soop_components.model.service_plan import DomainPlan
from soop_components.planning.domain import Definition, plan_domain
from soop_components.reading.loader import load_domain, load_service
from tests.unit.planning.resolve import digest_of, resolve, resolve_data

ROOT = Path(__file__).parents[3]


def example(service: str) -> Definition:
    """Resolve a service definition of this project."""
    folder = ROOT / "service_defs" / service
    found = (path for path in folder.rglob("*") if path.suffix in (".py", ".sql"))
    files = {path.relative_to(folder).as_posix(): path.read_text() for path in found}
    return Definition(resolve(load_service(folder, service), files), digest_of(service))


def made_up(service: str, text: str, **definition: Any) -> Definition:
    """Resolve a definition with one file that says ``text``."""
    components = {"all": {"uses": "said", "with": {"text": text}}}
    nodes = {"node": {"components": ["all"]}}
    block = {"parameters": {"text": {"type": "string"}}, "files": {"/etc/said": {"content": "{{ params.text }}"}}}
    data = {"service": service, "components": components, "nodes": nodes, **definition}
    return Definition(resolve_data({"definition": data, "blocks": {"said": block}}), digest_of(service))


def plan(*definitions: Definition, together: Sequence[Sequence[str]] = ()) -> DomainPlan:
    by_name = {each.resolved.definition.service: each for each in definitions}
    services = [{"service": f"{name}-{each.resolved.definition.version}"} for name, each in by_name.items()]
    domain = DomainDefinition.model_validate(
        {"id": "dev-access", "environment": "dev", "services": services, "together": together}
    )
    return plan_domain(domain, Environment(name="dev"), by_name)


def test_the_example_domain_has_four_nodes_and_its_gateway_comes_last() -> None:
    domain = load_domain(ROOT / "stacks/Pulumi.dev-access.yaml", "dev-access", "dev-access")
    definitions = {name: example(name) for name in ("gateway-service", "access-service")}
    found = plan_domain(domain, Environment(name="dev"), definitions)
    assert [service.service for service in found.services] == ["access-service", "gateway-service"]
    assert found.requires == {"access-service": (), "gateway-service": ("access-service",)}
    access, gateway = found.services
    assert len(access.nodes | gateway.nodes) == len(access.nodes) + len(gateway.nodes) == 4
    site = gateway.roles["gateway"].components["entrance"].files["/etc/nginx/conf.d/gateway-service-entrance.conf"]
    for node in ("web-1", "web-2"):
        server = f"server {node}.access-service.dev-access:80 max_fails=2 fail_timeout=10s;"
        assert server in (site.content or "")
    assert "proxy_next_upstream error timeout http_502 http_503;" in (site.content or "")
    through = gateway.smoke_tests[1].http
    assert through is not None
    assert through.json_ == {"service": "access-service", "version": "3.2.3", "database": "reachable"}


def test_templates_see_version_and_endpoints_of_what_their_service_requires() -> None:
    text = "{{ services['b-service'].version }} {{ services['b-service'].endpoints.http | join(' ') }}"
    asking = made_up("a-service", text, requires={"b-service": ">=1"})
    asked = made_up("b-service", "", endpoints={"http": {"role": "node", "port": 81}})
    last = plan(asking, asked).services[-1]
    assert last.roles["node"].components["all"].files["/etc/said"].content == (
        "1.0.0 http://node-1.b-service.dev-access:81"
    )


@pytest.mark.parametrize("names", [("a-service", "b-service"), ("b-service", "a-service")])
def test_templates_see_no_service_that_theirs_does_not_require(names: tuple[str, str]) -> None:
    """Whether it worked would depend on the order of the domain definition."""
    texts = {"a-service": "{{ services['b-service'].version }}", "b-service": ""}
    with pytest.raises(InvalidInput) as caught:
        plan(*(made_up(name, texts[name]) for name in names))
    (problem,) = caught.value.problems
    assert "'b-service' is not defined" in problem
    assert "templates speak of services that `requires:` names; add it there" in problem


def test_a_group_comes_after_all_that_any_of_it_requires_in_the_order_of_what_it_requires_itself() -> None:
    requires = {"a": ["b"], "b": [], "c": [], "d": ["c", "b"], "e": ["a"]}
    services = [made_up(name, "", requires=dict.fromkeys(others, ">=1")) for name, others in requires.items()]
    found = plan(*services, together=[["d", "b"]])
    assert found.together == (("b", "d"),)
    names = [service.service for service in found.services]
    assert sorted(names) == sorted(requires)
    assert names.index("c") < names.index("b") == names.index("d") - 1
    assert names.index("d") < names.index("a") < names.index("e")

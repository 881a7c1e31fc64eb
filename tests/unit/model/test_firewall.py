"""Who may connect to a node, by what its domain and its environment say."""

from __future__ import annotations

import pytest

from soop_components.model.domain import DomainAccessibility, DomainDefinition
from soop_components.model.environment import Accessibility, Environment, Security
from soop_components.model.firewall import EVERYWHERE, Rule, inbound
from tests.domains import domain_from_config

OFFICE, WORLD = "198.51.100.10/32", "203.0.113.0/24"
AMONG = Rule(port=None, domains=("prod-access",))


def domain(*told: str) -> DomainDefinition:
    """Return a domain that lets others connect to it."""
    made = domain_from_config("prod-access", "prod", [{"service": "access-service-3.2.3"}], {}, "file")
    return made.model_copy(update={"accessibility": DomainAccessibility.model_validate({"from": told})})


def environment(public: tuple[str, ...] = (), allow: tuple[str, ...] = (), ssh: tuple[str, ...] = ()) -> Environment:
    """Return an environment with these endpoints and networks."""
    accessible = Accessibility(public=public, allow_from=allow)
    return Environment(name="prod", accessibility=accessible, security=Security(ssh_from=ssh))


def test_a_node_without_endpoints() -> None:
    assert inbound(domain(), environment(), "access-service", {}) == (AMONG, Rule(port=22, networks=EVERYWHERE))


def test_endpoints_are_closed_but_to_the_deployer_and_to_domains_that_may() -> None:
    ports = {"http": 80, "metrics": 9100}
    asked = environment(public=("gateway-service.http",), allow=(WORLD,), ssh=(OFFICE,))
    rules = (AMONG, Rule(port=22, networks=(OFFICE,)))
    tested = Rule(port=80, networks=(OFFICE,))
    nobody = Rule(port=9100)
    assert inbound(domain(), asked, "access-service", ports, ["http"]) == (*rules, tested, nobody)
    told = [Rule(port=80, networks=(OFFICE,), domains=("prod-other",)), Rule(port=9100, domains=("prod-other",))]
    assert inbound(domain("prod-other"), asked, "access-service", ports, ["http"]) == (*rules, *told)


@pytest.mark.parametrize(("allow", "networks"), [((), EVERYWHERE), ((WORLD,), (WORLD,))])
def test_public_endpoints_are_open_to_the_world(allow: tuple[str, ...], networks: tuple[str, ...]) -> None:
    asked = environment(public=("access-service.http",), allow=allow)
    rules = inbound(domain(), asked, "access-service", {"http": 80, "admin": 81})
    assert rules == (AMONG, Rule(port=22, networks=EVERYWHERE), Rule(port=80, networks=networks), Rule(port=81))


def test_two_endpoints_of_one_port_are_one_rule() -> None:
    asked = environment(public=("access-service.second",))
    rules = inbound(domain(), asked, "access-service", {"first": 80, "second": 80})
    assert rules[2:] == (Rule(port=80, networks=EVERYWHERE),)


def test_other_ports_at_which_a_node_answers_are_closed_to_all_but_its_domain() -> None:
    rules = inbound(domain("prod-other"), environment(), "access-service", {"http": 80}, (), [22, 80, 8080])
    assert rules[1:] == (Rule(port=22, networks=EVERYWHERE), Rule(port=80, domains=("prod-other",)), Rule(port=8080))

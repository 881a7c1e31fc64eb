"""The same rules on every kind of machines: who reaches which port is one table, whatever each kind makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import ip_address, ip_network

import pytest

from soop_components.machines.aws.openings import openings
from soop_components.machines.host.firewall import Firewall, declared
from soop_components.machines.kinds import kind_of
from soop_components.machines.local.root_helper.firewall import Machine, ruleset
from soop_components.machines.local.root_helper.request import Opening
from soop_components.model.domain import DomainAccessibility
from soop_components.model.environment import Accessibility, Environment, Security
from soop_components.model.firewall import SSH, Rule, inbound
from soop_components.model.service_plan import NodePlan, ServicePlan
from tests.domains import domain_from_config

SOURCES = {
    "of the domain": "10.1.0.3",
    "of a domain that may": "10.1.1.1",
    "of a domain that may not": "10.1.2.1",
    "deployer": "198.51.100.10",
    "public": "203.0.113.7",
    "anybody": "192.0.2.1",
}
PORTS = (22, 80, 9100, 8080)
"""Of SSH; of a public endpoint that is tested; of another endpoint; of a health check."""
REACHED = {
    "of the domain": {22, 80, 9100, 8080},
    "of a domain that may": {80, 9100},
    "of a domain that may not": set(),
    "deployer": {22, 80},
    "public": {80},
    "anybody": set(),
}
DOMAINS = {
    "of the domain": "prod-access",
    "of a domain that may": "prod-other",
    "of a domain that may not": "prod-third",
}
ENVIRONMENT = Environment(
    name="prod",
    accessibility=Accessibility(public=("access-service.http",), allow_from=("203.0.113.0/24",)),
    security=Security(ssh_from=("198.51.100.10/32",)),
)
NODE = "web-1.access-service.prod-access"
Admits = Callable[[str, int], bool]


def rules() -> tuple[Rule, ...]:
    made = domain_from_config("prod-access", "prod", [{"service": "access-service-3.2.3"}], {}, "file")
    told = made.model_copy(update={"accessibility": DomainAccessibility.model_validate({"from": ["prod-other"]})})
    return inbound(told, ENVIRONMENT, "access-service", {"http": 80, "metrics": 9100}, ["http"], [8080])


def on_hosts() -> Admits:
    """Follow the chain of a host, line by line."""
    hosts = {domain: [SOURCES[source]] for source, domain in DOMAINS.items() if domain != "prod-access"}
    text = Firewall.parse(declared("prod-access", rules(), hosts)).rules(SSH)
    lines = text.partition("chain input {")[2].splitlines()[5:]  # of new connections of TCP from elsewhere

    def admits(source: str, port: int) -> bool:
        for line in lines:
            if each := re.fullmatch(r" +tcp dport != \{ (.*) \} accept", line):
                if str(port) not in each[1].split(", "):
                    return True
            elif "saddr @nodes" in line:
                if source == "of the domain":
                    return True
            elif each := re.fullmatch(r" +tcp dport (\d+) ip saddr \{ (.*) \} accept", line):
                if port == int(each[1]) and any(_is_in(SOURCES[source], network) for network in each[2].split(", ")):
                    return True
            elif re.fullmatch(r" +tcp dport \{ .* \} drop", line):
                return False
        raise AssertionError(text)

    return admits


def _is_in(address: str, network: str) -> bool:
    return ip_address(address) in ip_network(network)


def on_the_bridge() -> Admits:
    """Follow what local machines are given to the rules of their bridge."""
    opened = tuple(Opening(rule.port, rule.domains) for rule in rules() if rule.port and rule.domains)
    ports = {"target": "m001", **{source: f"m10{number}" for number, source in enumerate(DOMAINS)}}
    machines = [
        Machine(port, f"02:50:00:00:00:0{number}", f"10.64.0.{number}", DOMAINS.get(name, "prod-access"), opened)
        for number, (name, port) in enumerate(ports.items(), 2)
    ]
    text = ruleset("10.64.0.1", machines)
    sets = {f"@{name}": re.findall(r'"(\w+)"', each) for name, each in re.findall(r"set (domain\d+) (.*)", text)}

    def admits(source: str, port: int) -> bool:
        for asks, answers, rest in re.findall(r"iifname (@\w+) oifname (@\w+|\{.*?\})(.*) accept", text):
            to = sets.get(answers) or re.findall(r'"(\w+)"', answers)
            if ports[source] in sets[asks] and ports["target"] in to and rest in ("", f" tcp dport {port}"):
                return True
        return False

    return admits


def in_security_groups() -> Admits:
    """Follow what is opened beside the domain's own group and SSH from ``ssh_from``."""
    node = NodePlan(name=NODE, role="web", number=1, size="small", inbound=rules())
    plan = ServicePlan.model_construct(service="access-service", nodes={NODE: node})
    found = {(opening.port, opening.network) for opening in openings([plan])}
    found |= {(SSH, network) for network in ENVIRONMENT.security.ssh_from}

    def admits(source: str, port: int) -> bool:
        return source == "of the domain" or any(at == port and _is_in(SOURCES[source], net) for at, net in found)

    return admits


@pytest.mark.parametrize(
    ("kind", "follow", "not_there"),
    [
        ("ssh, and libvirt with routes", on_hosts, ()),
        ("local", on_the_bridge, ("deployer", "public", "anybody")),  # outside there is this computer, and nobody else
        ("aws", in_security_groups, ("of a domain that may",)),
    ],
)
def test_who_reaches_which_port_is_the_same(
    kind: str, follow: Callable[[], Admits], not_there: tuple[str, ...]
) -> None:
    admits = follow()
    found = {source: {port for port in PORTS if admits(source, port)} for source in SOURCES if source not in not_there}
    assert found == {source: ports for source, ports in REACHED.items() if source not in not_there}


def test_what_a_kind_has_no_rules_for_is_refused() -> None:
    problem = kind_of("aws").admission_problem(ENVIRONMENT, "prod-other") or ""
    assert "not opened to nodes of other domains" in problem
    (found,) = kind_of("local").settings_problems(ENVIRONMENT)
    assert found.keys == ("accessibility", "public")

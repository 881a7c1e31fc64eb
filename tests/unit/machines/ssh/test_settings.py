"""What an environment's file may say of existing hosts."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from soop_components.deployment.environment_file import load_environment
from soop_components.errors import InvalidInput
from soop_components.machines.ssh.settings import SshEnvironment, admission_problem

KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + bytes(32)).decode()


def load(tmp_path: Path, host: str) -> SshEnvironment:
    path = tmp_path / "rack.yaml"
    path.write_text(f"machines: ssh\nssh:\n  hosts:\n    rack1: {{{host}}}\n")
    environment = load_environment(path, "rack.yaml")
    assert isinstance(environment, SshEnvironment)
    return environment


def problems(tmp_path: Path, settings: str) -> list[str]:
    path = tmp_path / "rack.yaml"
    path.write_text(f"machines: ssh\n{settings}\n")
    with pytest.raises(InvalidInput) as caught:
        load_environment(path, "rack.yaml")
    return list(caught.value.problems)


def test_a_host_is_its_address_and_its_key(tmp_path: Path) -> None:
    host = load(tmp_path, f"address: 192.0.2.10, host_key: {KEY} root@rack1").ssh.hosts["rack1"]
    assert (host.address, host.port, host.user, host.host_key) == ("192.0.2.10", 22, "root", KEY)


@pytest.mark.parametrize(
    ("host", "problem"),
    [
        ("address: 192.0.2.10", "rack.yaml: ssh.hosts.rack1.host_key: "),
        ("address: 192.0.2.10, host_key: yes", "rack.yaml: ssh.hosts.rack1.host_key: "),
        ("address: 192.0.2.10, host_key: ssh-rsa AAAA", "`soop host-key ADDRESS` prints what a host shows"),
        (f"address: 192.0.2.10, host_key: {KEY[:-8]}", "`soop host-key ADDRESS` prints what a host shows"),
        (f"address: -oProxyCommand=x, host_key: {KEY}", "expected an address such as 192.0.2.10, no name"),
        (f"address: rack1.example.net, host_key: {KEY}", "expected an address such as 192.0.2.10, no name"),
        (f"address: fe80::1%eth0, host_key: {KEY}", "expected an address such as 192.0.2.10, no name"),
        (f"address: 192.0.2.1, host_key: {KEY}, user: Ops", "rack.yaml: ssh.hosts.rack1.user: "),
        (f"address: 192.0.2.1, host_key: {KEY}, port: 0", "rack.yaml: ssh.hosts.rack1.port: "),
        (f"address: 192.0.2.1, host_key: {KEY}, disks: {{/srv: sdb}}", "expected a device that keeps its name"),
        (f"address: 192.0.2.1, host_key: {KEY}, sizes: [huge]", "ssh.hosts.rack1.sizes: no size huge; there is small"),
        (f"address: 192.0.2.1, host_key: {KEY}, adress: x", "rack.yaml: ssh.hosts.rack1.adress: "),
        (f"address: 192.0.2.10, host_key: {KEY}, domain: dev-one", "ssh.hosts.rack1.domain: expected a domain of rack"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, host: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, host)
    assert any(problem in line for line in caught.value.problems), caught.value.problems


def test_an_environment_of_existing_hosts_needs_some(tmp_path: Path) -> None:
    assert any("ssh" in line for line in problems(tmp_path, ""))


def test_a_host_is_listed_once(tmp_path: Path) -> None:
    host = f"{{address: 192.0.2.10, host_key: {KEY}}}"
    assert problems(tmp_path, f"ssh: {{hosts: {{rack1: {host}, rack2: {host}}}}}") == [
        "rack.yaml: ssh.hosts.rack2.address: is that of rack1, too: a host is one node"
    ]


def test_a_domain_for_which_hosts_are_listed_gets_these_and_no_others(tmp_path: Path) -> None:
    hosts = [f"    rack{number}: {{address: 192.0.2.{number}, host_key: {KEY}" for number in (1, 2)]
    path = tmp_path / "rack.yaml"
    path.write_text(f"machines: ssh\nssh:\n  hosts:\n{hosts[0]}}}\n{hosts[1]}, domain: rack-one}}\n")
    environment = load_environment(path, "rack.yaml")
    assert isinstance(environment, SshEnvironment)
    assert [*environment.ssh.of("rack-one")] == ["rack2"]
    assert [*environment.ssh.of("rack-two")] == ["rack1"]
    assert admission_problem(environment, "rack-one") is None
    assert "say `domain: rack-two` at hosts in ssh.hosts" in (admission_problem(environment, "rack-two") or "")


def test_the_host_through_which_others_are_reached_is_no_node(tmp_path: Path) -> None:
    place = f"address: 192.0.2.10, user: ops, host_key: {KEY}"
    assert problems(tmp_path, f"ssh: {{jump: {{{place}}}, hosts: {{rack1: {{{place}}}}}}}") == [
        "rack.yaml: ssh.hosts.rack1.address: is that of ssh.jump, too: the host through which others are reached is no "
        "node"
    ]


@pytest.mark.parametrize("zones", [["a", "a"], ["a", None], [None, None]])
def test_nodes_cannot_be_spread_over_one_zone_or_over_unknown_ones(tmp_path: Path, zones: list[str | None]) -> None:
    hosts = [
        f"    rack{number}: {{address: 192.0.2.{number}, host_key: {KEY}{f', zone: {zone}' if zone else ''}}}\n"
        for number, zone in enumerate(zones, 1)
    ]
    path = tmp_path / "rack.yaml"
    path.write_text("machines: ssh\nreliability: {spread: availability_zone}\nssh:\n  hosts:\n" + "".join(hosts))
    with pytest.raises(InvalidInput) as caught:
        load_environment(path, "rack.yaml")
    (problem,) = caught.value.problems
    assert problem.startswith("rack.yaml: reliability.spread: needs hosts in two zones at least, and the zone of each")

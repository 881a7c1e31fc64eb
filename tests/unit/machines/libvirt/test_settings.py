"""What an environment's file may say of virtual machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from soop_components.deployment.environment_file import load_environment
from soop_components.errors import InvalidInput
from soop_components.machines.kinds import kind_of
from soop_components.machines.libvirt.settings import LibvirtEnvironment

IMAGES = f"images: {{debian-12: {{file: a.qcow2, sha256: {'0' * 64}}}}}"
GOOD = f"network: {{addresses: 10.80.0.0/16}}, {IMAGES}"


def load(tmp_path: Path, settings: str, more: str = "") -> LibvirtEnvironment:
    path = tmp_path / "test.yaml"
    path.write_text(f"machines: libvirt\nlibvirt: {{{settings}}}\n{more}")
    environment = load_environment(path, "test.yaml")
    assert isinstance(environment, LibvirtEnvironment)
    return environment


def test_addresses_and_images_are_enough(tmp_path: Path) -> None:
    settings = load(tmp_path, GOOD).libvirt
    found = (settings.uri, settings.pool, settings.type, settings.network.mode)
    assert found == ("qemu:///system", "default", "kvm", "nat")


@pytest.mark.parametrize(
    "uri", ["qemu:///system", "qemu+ssh://ops@kvm1/system", "qemu+ssh://ops@kvm1:22/system?keyfile=~/.ssh/kvm"]
)
def test_hosts_are_this_one_or_others_by_ssh(tmp_path: Path, uri: str) -> None:
    settings = f'uri: "{uri}", network: {{addresses: 10.80.0.0/16, mode: route}}, {IMAGES}'
    assert load(tmp_path, settings).libvirt.uri == uri


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("qemu:///session", "expected qemu:///system, or qemu+ssh://"),
        ("qemu+tcp://kvm1/system", "expected qemu:///system, or qemu+ssh://"),
        ("qemu+ssh://ops@kvm1:2222/system", "at port 22 only"),
        ("qemu+ssh://ops@kvm1/system?no_verify=1", "the host's key is always compared"),
        ("qemu+ssh://ops@kvm1/system?known_hosts_verify=ignore", "the host's key is always compared"),
        ("qemu+ssh://ops:secret@kvm1/system", "expected no password"),
        ("qemu+ssh://ops@kvm1/system?sshauth=agent,ssh-password", "expected no password"),
    ],
)
def test_hosts_whose_key_nobody_compares_are_refused(tmp_path: Path, uri: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, f'uri: "{uri}", {GOOD}')
    (line,) = [each for each in caught.value.problems if "libvirt.uri" in each]
    assert problem in line


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        (f"network: {{addresses: 2001:db8::/32}}, {IMAGES}", "network.addresses: expected IPv4 addresses such as"),
        (
            f"network: {{addresses: 10.80.0.0/25}}, {IMAGES}",
            "network.addresses: has fewer addresses than a domain",
        ),
        (
            f"network: {{addresses: 10.80.0.0/16, domains: {{test-a: 10.81.0.0/30}}}}, {IMAGES}",
            "network.domains.test-a: expected a network from /16 to /28",
        ),
        (
            "network: {addresses: 10.80.0.0/16, domains: {test-a: 10.81.0.0/24, test-b: 10.81.0.0/20}}, " + IMAGES,
            "network.domains.test-b: has addresses of test-a, too",
        ),
        (f'uri: "qemu+ssh://ops@kvm1/system", {GOOD}', "network.mode: nodes behind NAT are reached from"),
        (f"{GOOD}, type: xen", "libvirt.type: "),
        (f"{GOOD}, pool: ../images", "libvirt.pool: "),
        ("network: {addresses: 10.80.0.0/16}, images: {debian-12: {file: a, sha256: abc}}", "debian-12.sha256: "),
    ],
)
def test_mistakes_are_named(tmp_path: Path, settings: str, problem: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        load(tmp_path, settings)
    assert any(problem in line for line in caught.value.problems), caught.value.problems


def test_what_nodes_behind_nat_cannot_have_is_refused(tmp_path: Path) -> None:
    public = "accessibility: {public: [access-service.http]}\n"
    with pytest.raises(InvalidInput, match=r"accessibility\.public: nodes behind NAT have no public endpoints"):
        load(tmp_path, GOOD, public)
    kind, routed = kind_of("libvirt"), load(tmp_path, GOOD.replace("}", ", mode: route}", 1), public)
    assert kind.admission_problem(routed, "test-other") is None
    assert "nodes behind NAT" in (kind.admission_problem(load(tmp_path, GOOD), "test-other") or "")


def test_machines_on_one_host_are_not_spread(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"reliability\.spread: virtual machines are all on one host of libvirt"):
        load(tmp_path, GOOD, "reliability: {spread: availability_zone}\n")

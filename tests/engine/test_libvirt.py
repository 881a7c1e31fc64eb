"""Domains of virtual machines, with the real engine and SDK, and a stand-in for libvirt's plugin: what it is asked."""

from __future__ import annotations

import hashlib
import json
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.engine.stand_in.project import StandInProject
from tests.native.project import FILE, NativeProject, order
from tests.native.sdk import wrong_names
from tests.virtual import POOL
from tests.virtual.behaviour import NETWORK

DOMAIN = "cloud-one"
STORE, *WEB = (f"{node}.access-service.{DOMAIN}" for node in ("store-1", "web-1", "web-2"))
IMAGE = "images/debian 12.qcow2"


def digest(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def base(content: str) -> str:
    """Return the name of the volume with an image."""
    return f"debian-12-{digest(content)[:12]}"


ENVIRONMENT = f"""\
machines: libvirt
sizes: {{small: {{memory: 512MiB}}}}
libvirt:
  network: {{addresses: 10.80.0.0/16}}
  images: {{debian-12: {{file: {IMAGE}, sha256: {digest("first")}}}}}
"""


class LibvirtProject(NativeProject):
    """A project with an environment at the stand-in's libvirt."""

    def __init__(self, project: StandInProject) -> None:
        super().__init__(project, "libvirt", "tests.virtual.plugin", ENVIRONMENT)
        self.write(IMAGE, "first")
        for program in ("mkisofs", "xsltproc"):
            self.program_on_path(program, "true")

    def addresses(self) -> dict[str, str]:
        nodes = self.status(DOMAIN)["services"]["access-service"]["nodes"]
        return {name: node["address"] for name, node in nodes.items()}

    def update(self, *words: str) -> list[str]:
        """Run a bare ``pulumi up``, and return what was called."""
        self.calls()
        options = ("--yes", "--skip-preview", "--non-interactive")
        done = self.pulumi("up", *options, *words, "--stack", DOMAIN)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.calls()

    def scale(self, web: int) -> list[str]:
        """Have so many web servers, and return what was called."""
        done = self.pulumi("config", "set", "--path", "soop:services[0].nodes.web", str(web), "--stack", DOMAIN)
        assert done.returncode == 0, done.stderr
        return self.update()


@pytest.fixture
def virtual(project: StandInProject) -> LibvirtProject:
    return LibvirtProject(project)


def test_the_life_of_a_domain(virtual: LibvirtProject) -> None:
    virtual.succeed("deploy", "access-service-3.2.3", DOMAIN)
    seeds = {name: inputs for _, kind, name, inputs in virtual.cloud.calls() if kind == "CloudInitDisk"}
    assert set(seeds) == {STORE, *WEB}
    assert json.loads(seeds[STORE]["userData"].removeprefix("#cloud-config\n"))["fqdn"] == STORE
    calls = virtual.calls()
    for later in (f"create Volume {STORE}", f"create CloudInitDisk {STORE}", f"create Volume {base('first')}.{DOMAIN}"):
        assert calls.index(f"create Network {DOMAIN}") < calls.index(later) < calls.index(f"create Domain {STORE}")
    addresses = virtual.addresses()
    (network,) = virtual.cloud.all("Network").values()
    assert len(set(addresses.values())) == len(addresses) == 3
    assert all(ip_address(each) in ip_network(network["addresses"][0]) for each in addresses.values())
    state = virtual.read(f".soop/state/.pulumi/stacks/stand-in/{DOMAIN}.json")
    assert "PRIVATE KEY" not in state
    assert "cloud-config" not in state

    virtual.succeed("deploy", "access-service-3.2.4", DOMAIN)
    assert virtual.versions(DOMAIN) == {"access-service": "3.2.4"}
    assert virtual.calls() == []

    virtual.change("memory: 512MiB", "memory: 1GiB")
    virtual.succeed("deploy", "access-service-3.2.4", DOMAIN)
    told = {
        name: inputs
        for verb, kind, name, inputs in virtual.cloud.calls()
        if verb == "create" and kind == "CloudInitDisk"
    }
    assert told[STORE]["userData"] != seeds[STORE]["userData"]
    assert told[STORE]["networkConfig"] == seeds[STORE]["networkConfig"]
    calls = virtual.calls()
    replaced = (f"delete Host {STORE}", f"delete Domain {STORE}", f"create Domain {STORE}", f"create Host {STORE}")
    assert order(calls, *replaced) == list(replaced)
    assert {each for each in calls if "Volume" in each and ".root" not in each} == set()
    assert {each["memory"] for each in virtual.cloud.all("Domain").values()} == {1024}
    assert virtual.addresses() == addresses

    virtual.write(IMAGE, "second")
    virtual.change(digest("first"), digest("second"))
    virtual.succeed("deploy", "access-service-3.2.4", DOMAIN)
    calls = virtual.calls()
    assert order(calls, *replaced) == list(replaced)
    assert {each for each in calls if "Volume" in each and ".root" not in each} == {
        f"create Volume {base('second')}.{DOMAIN}"
    }

    assert f"{DOMAIN} has protected disks: {STORE}" in virtual.fail("destroy", "--yes", DOMAIN)
    assert virtual.calls() == []
    virtual.succeed("destroy", "--yes", "--with-data", DOMAIN)
    removed = (f"delete Host {STORE}", f"delete Domain {STORE}", f"delete Volume {STORE}", f"delete Network {DOMAIN}")
    assert order(virtual.calls(), *removed) == list(removed)
    left = [f"{POOL}/{base(each)}" for each in ("first", "second")]
    assert sorted(virtual.cloud.all("Volume")) == sorted(left), "which machines of other domains may be on"
    assert virtual.cloud.all("Domain") == virtual.cloud.all("Network") == virtual.cloud.all("CloudInitDisk") == {}


def test_nodes_keep_their_addresses_and_a_machine_that_is_gone_comes_back_with_what_it_had(
    virtual: LibvirtProject,
) -> None:
    virtual.succeed("deploy", "access-service-3.2.3", DOMAIN)
    first = virtual.addresses()
    assert all(WEB[1] in call for call in virtual.scale(1))
    assert all(WEB[1] in call for call in virtual.scale(2))
    second = virtual.addresses()
    assert second == {**first, WEB[1]: second[WEB[1]]}
    assert second[WEB[1]] not in first.values()

    (id,) = (id for id, each in virtual.cloud.all("Domain").items() if each["name"] == STORE)
    virtual.cloud.remove(id)
    assert virtual.update("--refresh") == [f"create Domain {STORE}"]
    assert virtual.addresses() == second


def test_a_domain_of_the_same_name_loses_nothing_to_ours(virtual: LibvirtProject) -> None:
    theirs = {"name": DOMAIN, "addresses": ["192.0.2.0/24"]}
    virtual.cloud.put("net-theirs", NETWORK, theirs)
    virtual.cloud.put(f"{POOL}/{STORE}-data", "libvirt:index/volume:Volume", {"name": f"{STORE}-data", "size": 1})
    assert f"network '{DOMAIN}' already exists" in virtual.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert virtual.calls() == [f"create Network {DOMAIN}"]


def test_what_is_asked_in_a_wrong_way_changes_nothing(virtual: LibvirtProject) -> None:
    text = f"{ENVIRONMENT}  uri: qemu+ssh://ops@192.0.2.10/system\naccessibility: {{public: [access-service.http]}}\n"
    virtual.write(FILE, text.replace("10.80.0.0/16", "10.80.0.0/28"))
    said = virtual.fail("deploy", "access-service-3.2.3", DOMAIN)
    for problem in (
        "libvirt.network.addresses: has fewer addresses than a domain gets",
        "libvirt.network.mode: nodes behind NAT are reached from libvirt's host alone",
        "accessibility.public: nodes behind NAT have no public endpoints",
    ):
        assert f"{FILE}: {problem}" in said
    virtual.write(FILE, ENVIRONMENT)
    virtual.write(IMAGE, "another")
    said = virtual.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert f"whose image {IMAGE} has the SHA-256 {digest('another')[:12]}… and not {digest('first')[:12]}…" in said
    virtual.change("debian-12:", "debian-13:")
    said = virtual.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert "is built for debian-12, and environment cloud has no image of it (libvirt.images)" in said
    assert virtual.calls() == []


def test_without_the_sdk_its_name_is_said(virtual: LibvirtProject) -> None:
    virtual.hide_sdk("pulumi_libvirt")
    said = virtual.fail("deploy", "access-service-3.2.3", DOMAIN)
    assert "`machines: libvirt` needs the Python package pulumi-libvirt, which is not installed" in said
    assert "pip install 'soop-components[libvirt]'" in said
    assert virtual.calls() == []


@pytest.mark.parametrize(
    ("token", "inputs", "wrong"),
    [
        ("libvirt:index/domain:Domain", {"name": "x", "disks": [{"volumeID": "y"}], "xml": {"xsl": ""}}, 2),
        ("libvirt:index/domain:Domain", {"networkInterfaces": [{"networkId": "x", "mac": "y"}], "memory": 1}, 0),
        ("libvirt:index/volume:Volume", {"capacity": 1}, 1),
        ("libvirt:index/cloudInitDisk:CloudInitDisk", {"userData": "", "networkConfig": ""}, 0),
    ],
)
def test_the_stand_in_refuses_properties_that_the_sdk_lacks(token: str, inputs: Any, wrong: int) -> None:
    assert len(wrong_names(token, inputs)) == wrong

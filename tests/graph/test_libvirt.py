"""The resources that a domain of virtual machines declares, with Pulumi's engine mocked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from soop_components.machines.libvirt.settings import LibvirtEnvironment, LibvirtNetwork, LibvirtSettings, VmImage
from soop_components.model.environment import MachineSize
from soop_components.model.firewall import EVERYWHERE
from tests.graph import native_domain
from tests.graph.native_domain import Monitor, event_loop

DOMAIN = "test-access"
NETWORK, VOLUME = "libvirt:index/network:Network", "libvirt:index/volume:Volume"
SEED, MACHINE = "libvirt:index/cloudInitDisk:CloudInitDisk", "libvirt:index/domain:Domain"
BASE = f"debian-12-{'ab' * 6}"
ROOT = Path(__file__).parents[2]


def name(node: str) -> str:
    return f"{node}.access-service.{DOMAIN}"


STORE, *WEB = (name(node) for node in ("store-1", "web-1", "web-2", "web-3"))


class Cloud(native_domain.Cloud):
    """Answers as libvirt would; disks and the network may be there already, otherwise than they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.disk_size: int | None = None
        self.mode: str | None = None

    def native(self, args: mocks.MockResourceArgs) -> dict[str, Any]:
        if args.typ == "soop:index:Subnet":
            return {"addresses": {node: f"10.80.7.{at}" for at, node in enumerate(args.inputs["nodes"], 2)}}
        if args.typ == VOLUME and args.name == STORE and self.disk_size is not None:
            return {"size": self.disk_size}
        return {"mode": self.mode} if args.typ == NETWORK and self.mode else {}

    def id_of(self, args: mocks.MockResourceArgs) -> str:
        return f"/pool/{args.inputs['name']}" if args.typ == VOLUME else super().id_of(args)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with event_loop():
        yield Cloud()


def environment(**settings: Any) -> LibvirtEnvironment:
    return LibvirtEnvironment(
        name="test",
        machines="libvirt",
        sizes={"small": MachineSize(), "large": MachineSize(cpus=2, memory="2GiB")},
        libvirt=LibvirtSettings(
            **{
                "network": LibvirtNetwork(addresses="10.80.7.0/24"),
                "images": {"debian-12": VmImage(file="images/debian-12.qcow2", sha256="ab" * 32)},
                **settings,
            }
        ),
    )


def declare(cloud: Cloud, environment: LibvirtEnvironment) -> Monitor:
    return native_domain.declare(cloud, DOMAIN, environment)


def options(monitor: Monitor, token: str, of: str) -> dict[str, Any]:
    """Return the options of a resource that differ from what others have."""
    request = monitor.requests[token, of]
    found = {
        "protect": request.protect,
        "retain": request.retainOnDelete,
        "first": request.deleteBeforeReplace,
        "ignore": sorted(request.ignoreChanges),
    }
    return {key: value for key, value in found.items() if value}


def test_a_node_is_a_machine_on_a_layer_over_the_image_and_one_with_a_disk_has_a_volume_of_its_own(
    cloud: Cloud,
) -> None:
    declare(cloud, environment())
    assert cloud.names(MACHINE) == [STORE, *WEB]
    assert cloud.names(VOLUME) == sorted([f"{BASE}.{DOMAIN}", STORE, *(f"{node}.root" for node in (STORE, *WEB))])
    assert cloud.inputs[VOLUME, f"{BASE}.{DOMAIN}"] == {
        "name": BASE,
        "pool": "default",
        "source": str(ROOT / "images/debian-12.qcow2"),
        "format": "qcow2",
    }
    root = cloud.inputs[VOLUME, f"{STORE}.root"]
    assert (root["baseVolumeId"], root["size"]) == (f"/pool/{BASE}", 16 * 2**30)
    disk = cloud.inputs[VOLUME, STORE]
    assert (disk["name"], disk["size"], "baseVolumeId" in disk) == (f"{STORE}-data", 1500 * 2**20, False)
    machine = cloud.inputs[MACHINE, STORE]
    assert machine["disks"] == [{"volumeId": f"/pool/{root['name']}"}, {"volumeId": f"/pool/{STORE}-data"}]
    assert (machine["name"], machine["vcpu"], machine["memory"], machine["type"]) == (STORE, 1, 512, "kvm")
    assert cloud.inputs[MACHINE, WEB[0]]["memory"] == 2048
    for volume in (root["name"], f"{STORE}-data"):
        assert f'[@volume = \'{volume}\']"><source file="/pool/{volume}"/>' in machine["xml"]["xslt"]


def test_what_a_machine_is_told_at_its_first_start(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    assert cloud.inputs[NETWORK, DOMAIN] == {
        "name": DOMAIN,
        "mode": "nat",
        "addresses": ["10.80.7.0/24"],
        "dhcp": {"enabled": False},
        "dns": {"enabled": True},
        "autostart": True,
    }
    seed = cloud.inputs[SEED, WEB[0]]
    machine = seed["name"].removeprefix(f"{WEB[0]}-").removesuffix(".iso")
    assert json.loads(seed["metaData"]) == {"instance-id": f"{WEB[0]}-{machine}", "local-hostname": WEB[0]}
    (interface,) = json.loads(seed["networkConfig"])["ethernets"].values()
    assert interface["addresses"] == ["10.80.7.3/24"]
    (given,) = cloud.inputs[MACHINE, WEB[0]]["networkInterfaces"]
    assert given == {"networkId": f"{DOMAIN}-id", "mac": interface["match"]["macaddress"]}
    assert list(monitor.requests[SEED, WEB[0]].additionalSecretOutputs) == ["userData"]


def test_data_stay_whatever_changes_and_what_needs_its_name_goes_before_its_replacement(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    assert options(monitor, VOLUME, STORE) == {"protect": True, "ignore": ["format", "pool", "size"]}
    assert options(monitor, VOLUME, f"{BASE}.{DOMAIN}") == {"retain": True, "ignore": ["pool", "source"]}
    assert options(monitor, VOLUME, f"{STORE}.root") == {"ignore": ["pool"]}
    assert options(monitor, NETWORK, DOMAIN) == {"ignore": ["addresses", "dhcp", "mode"]}
    assert options(monitor, SEED, STORE) == {"first": True, "ignore": ["pool"]}
    assert options(monitor, MACHINE, STORE) == options(monitor, "soop:index:Host", STORE) == {"first": True}


def test_nothing_is_made_or_taken_before_the_domain_has_its_network(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    network = f"{NETWORK}::{DOMAIN}"
    for (token, of), request in monitor.requests.items():
        if token in (VOLUME, SEED):
            assert any(each.endswith(network) for each in request.dependencies), of


def test_a_machine_is_made_ready_and_shut_down_before_it_is_deleted(cloud: Cloud) -> None:
    monitor = declare(cloud, environment())
    seed = cloud.inputs[SEED, STORE]["name"]
    host = monitor.requests["soop:index:Host", STORE]
    assert any(each.endswith(f"{MACHINE}::{STORE}") for each in host.propertyDependencies["spec"].urns)
    assert cloud.inputs["soop:index:Host", STORE]["spec"] == {
        "hosts": [
            {
                "name": STORE,
                "address": "10.80.7.2",
                "hostKey": "ssh-ed25519 CCCC",
                "disks": {"/srv": "/dev/disk/by-id/virtio-soop-data"},
            }
        ],
        "authorizedKey": "ssh-ed25519 BBBB",
        "base": "debian-12",
        "cpus": 1,
        "memory": "512MiB",
        "madeForNode": True,
        "disks": [{"mount": "/srv", "size": "1500MiB"}],
        "machine": seed.removeprefix(f"{STORE}-").removesuffix(".iso"),
        "patience": 300,
        "kind": "libvirt",
    }
    place = cloud.inputs["soop:index:Release", "access-service"]["nodes"][STORE]["place"]
    assert place == {"address": "10.80.7.2", "hostKey": "ssh-ed25519 DDDD"}


@pytest.mark.parametrize(
    "settings",
    [
        {"type": "qemu"},
        {"root_volume": 20},
        {"images": {"debian-12": VmImage(file="images/debian-12.qcow2", sha256="cd" * 32)}},
    ],
)
def test_what_libvirt_needs_another_machine_for_is_another_machine_as_a_whole(
    cloud: Cloud, settings: dict[str, Any]
) -> None:
    found = []
    for each in (environment(), environment(**settings)):
        declare(cloud, each)
        found.append(cloud.inputs["soop:index:Bootstrap", STORE]["machine"])
    assert found[0] != found[1]


def test_where_volumes_lie_makes_no_other_machine(cloud: Cloud) -> None:
    found = []
    for each in (environment(), environment(pool="fast")):
        declare(cloud, each)
        found.append(cloud.inputs["soop:index:Bootstrap", STORE]["machine"])
    assert found[0] == found[1]


def test_machines_guard_themselves_in_a_network_that_others_reach(cloud: Cloud) -> None:
    cloud.mode = "route"
    declare(cloud, environment(network=LibvirtNetwork(addresses="10.80.7.0/24", mode="route")))
    guarded = cloud.inputs["soop:index:Host", STORE]["spec"]["firewall"]
    assert (guarded["table"], guarded["sshFrom"]) == (f"inet soop_{DOMAIN.replace('-', '_')}", [*EVERYWHERE])


def test_a_disk_that_shall_grow_and_a_network_of_another_mode_are_refused_with_what_to_do(cloud: Cloud) -> None:
    cloud.disk_size = 2**30
    with pytest.raises(pulumi.RunError, match=rf"virsh blockresize {STORE} /pool/{STORE}-data 1500MiB"):
        declare(cloud, environment())
    cloud.disk_size, cloud.mode = None, "route"
    with pytest.raises(pulumi.RunError, match=f"the network of {DOMAIN} was made with `mode: route`"):
        declare(cloud, environment())

"""The resource Host, with machines that are played."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.machines.host.resource import HostResource
from soop_components.machines.libvirt.kind import Libvirt
from soop_components.machines.libvirt.operations import LibvirtOperations
from soop_components.project import Project
from tests.unit.machines.host.conftest import CONTEXT, KEY, MADE, NODE, Network, created, spec, wanted


def test_a_node_gets_the_first_host_that_nobody_has(network: Network) -> None:
    network.machines["10.0.0.1"].claim = {"node": "web-1.access-service.rack-other", "key": "ssh-ed25519 THEIRS"}
    made = created()
    assert made["host"] == "rack2"
    assert made["place"] == {"address": "10.0.0.2", "port": 22, "user": "ops", "hostKey": "ssh-ed25519 2"}
    assert network.machines["10.0.0.1"].asked == ["check_access", "look"]
    assert network.machines["10.0.0.2"].asked == ["check_access", "look", "claim", "authorize", "claim", "authorize"]
    assert network.keys == [None, None, "PRIVATE"]


def test_a_host_that_an_interrupted_run_claimed_is_adopted(network: Network) -> None:
    network.machines["10.0.0.1"].claim = {"node": NODE, "key": KEY}
    assert created()["host"] == "rack1"


def test_a_domain_of_the_same_name_with_another_key_is_somebody_else(network: Network) -> None:
    network.machines["10.0.0.1"].claim = {"node": NODE, "key": "ssh-ed25519 THEIRS"}
    assert created()["host"] == "rack2"


def test_where_no_host_is_free_the_owners_are_named(network: Network) -> None:
    for machine in network.machines.values():
        machine.claim = {"node": "web-1.access-service.rack-other", "key": "ssh-ed25519 THEIRS"}
    with pytest.raises(SoopError) as caught:
        created()
    assert caught.value.message == (
        f"{NODE}: no host is free: rack1 belongs to web-1.access-service.rack-other; "
        "rack2 belongs to web-1.access-service.rack-other"
    )


def test_a_host_that_does_not_fit_is_refused_before_it_is_claimed(network: Network) -> None:
    network.machines["10.0.0.1"].found["base"] = "debian-11"
    with pytest.raises(SoopError, match="the host does not fit: its system is debian-11"):
        created()
    assert network.machines["10.0.0.1"].asked == ["check_access", "look"]


def test_a_machine_that_was_made_for_its_node_gets_a_fresh_host_key(network: Network) -> None:
    made = created(madeForNode=True, operatorLogin=False)
    assert made["place"]["hostKey"] == "ssh-ed25519 FRESH"
    assert network.machines["10.0.0.1"].asked[:3] == ["check_access", "await_cloud_init", "look"]
    assert set(network.keys) == {"PRIVATE"}


def test_a_machine_that_is_off_is_started_by_the_next_update(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = network.machines["10.0.0.1"]
    started = []

    class Machines(LibvirtOperations):
        async def is_off(self, node: str) -> bool:
            return machine.is_gone

        async def start(self, node: str) -> None:
            started.append(node)
            machine.is_gone = False

    monkeypatch.setattr(Libvirt, "operations", lambda kind, project: Machines(project))
    monkeypatch.setattr(Project, "find", lambda: Project(Path("/nowhere")))
    made, inputs = created(**MADE, kind="libvirt"), wanted(**MADE, kind="libvirt")
    machine.is_gone = True
    found = asyncio.run(HostResource().read(CONTEXT, NODE, inputs, made))
    assert found is not None
    assert found["running"] is False
    assert set(HostResource().diff(inputs, found, inputs).changes) == {"running"}

    updated = asyncio.run(HostResource().update(CONTEXT, NODE, inputs, found, inputs))
    assert started == [NODE]
    assert updated == made
    assert asyncio.run(HostResource().read(CONTEXT, NODE, inputs, updated)) == made


def test_another_host_in_the_inventory_changes_no_node(network: Network) -> None:
    made = created()
    more = {"name": "rack0", "address": "10.0.0.9", "hostKey": "ssh-ed25519 0"}
    after = wanted(hosts=[more, *reversed(spec()["hosts"])])
    assert HostResource().diff(wanted(), made, after).changes == {}


def test_a_host_that_is_not_listed_any_more_is_replaced(network: Network) -> None:
    made = created()
    found = HostResource().diff(wanted(), made, wanted(hosts=spec()["hosts"][1:]))
    assert found.replaces == ("spec.hosts",)


def test_a_host_with_data_is_left_only_when_somebody_says_so(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    disks = [{"mount": "/srv/data", "size": "10GiB"}]
    made, after = created(disks=disks), wanted(hosts=spec()["hosts"][1:], disks=disks)
    assert HostResource().diff(wanted(disks=disks), made, after).replaces == ()
    for refuse in (
        HostResource().announce(CONTEXT, wanted(disks=disks), made, after),
        HostResource().update(CONTEXT, NODE, wanted(disks=disks), made, after),
    ):
        with pytest.raises(SoopError, match="rack1 is not listed for it any more, and the node's data are on it"):
            asyncio.run(refuse)
    monkeypatch.setenv("SOOP_WITH_DATA", "1")
    assert HostResource().diff(wanted(disks=disks), made, after).replaces == ("spec.hosts",)


def test_a_host_with_another_address_is_updated(network: Network) -> None:
    made = created()
    moved = [{**spec()["hosts"][0], "address": "10.0.0.7"}, spec()["hosts"][1]]
    found = HostResource().diff(wanted(), made, wanted(hosts=moved))
    assert (list(found.changes), found.replaces) == (["spec.hosts[0].address"], ())


def test_a_new_domain_key_and_a_disk_that_grows_reach_the_host(network: Network) -> None:
    made = created(disks=[{"mount": "/srv/data", "size": "10GiB"}])
    after = wanted(authorizedKey=f"{KEY}\nssh-ed25519 NEXT", disks=[{"mount": "/srv/data", "size": "20GiB"}])
    found = HostResource().diff(wanted(disks=[{"mount": "/srv/data", "size": "10GiB"}]), made, after)
    assert sorted(found.changes) == ["spec.authorizedKey", "spec.disks[0].size"]


def test_a_host_that_lost_its_claim_is_claimed_again_by_the_next_update(network: Network) -> None:
    made = created()
    assert asyncio.run(HostResource().read(CONTEXT, NODE, wanted(), made)) == made
    network.machines["10.0.0.1"].claim = None
    seen = asyncio.run(HostResource().read(CONTEXT, NODE, wanted(), made)) or {}
    assert list(HostResource().diff(wanted(), seen, wanted()).changes) == ["claimed"]
    asyncio.run(HostResource().update(CONTEXT, NODE, wanted(), seen, wanted()))
    assert (network.machines["10.0.0.1"].claim or {})["node"] == NODE

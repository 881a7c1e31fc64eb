"""The resource Host, with machines that are played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.machines.host import resource
from soop_components.machines.host.resource import HostResource
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.resource import Context
from soop_components.release.cancellation import Cancellation
from soop_components.secret import Secret
from soop_components.transport.ssh import Target

NODE = "web-1.access-service.rack-access"
KEY = "ssh-ed25519 OURS"
FITS = {"base": "debian-12", "architecture": "amd64", "systemd": True, "memory": 2**30, "cpus": 2, "occupied": {}}


@dataclass
class Machine:
    """One machine, and what was asked of it."""

    found: dict[str, Any] = field(default_factory=lambda: dict(FITS))
    claim: dict[str, str] | None = None
    asked: list[str] = field(default_factory=list)
    loses_claim_to: str | None = None
    is_gone_when_left: bool = False
    is_gone: bool = False

    async def check_access(self) -> None:
        self.asked.append("check_access")

    async def ask(self, verb: str, takes: float = 0, **arguments: Any) -> Any:
        self.asked.append(verb)
        if verb == "look":
            return {**self.found, "claim": self.claim}
        if verb == "claim":
            self.claim = self.claim or arguments
            return self.claim
        if verb == "users_made":
            return {"users": ["app"]}
        return {"hostKey": "ssh-ed25519 FRESH"}


@dataclass
class Network:
    """Machines by address, and the keys with which they were visited."""

    machines: dict[str, Machine]
    keys: list[str | None] = field(default_factory=list)

    @asynccontextmanager
    async def visit(self, target: Target, private_key: str | None, patience: float) -> AsyncIterator[Machine]:
        self.keys.append(private_key)
        if self.machines[target.address].is_gone:
            raise SoopError("gone")
        yield self.machines[target.address]


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Network:
    monkeypatch.delenv("SOOP_WITH_DATA", raising=False)
    made = Network({"10.0.0.1": Machine(), "10.0.0.2": Machine()})
    monkeypatch.setattr(resource, "visit", made.visit)
    return made


def spec(**more: Any) -> dict[str, Any]:
    hosts = [
        {"name": f"rack{number}", "address": f"10.0.0.{number}", "hostKey": f"ssh-ed25519 {number}", "user": "ops"}
        for number in (1, 2)
    ]
    needs = {"base": "debian-12", "memory": "512MiB", "cpus": 1}
    return {"hosts": hosts, "authorizedKey": KEY, "operatorLogin": True, **needs, **more}


def wanted(**more: Any) -> dict[str, Any]:
    return {"spec": spec(**more), "privateKey": Secret("PRIVATE")}


def created(**more: Any) -> dict[str, Any]:
    context = Context(f"urn::{NODE}", EngineProgress(None, ""), Cancellation())
    return asyncio.run(HostResource().create(context, wanted(**more))).outputs


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
    context = Context(f"urn::{NODE}", EngineProgress(None, ""), Cancellation())
    for refuse in (
        HostResource().announce(context, wanted(disks=disks), made, after),
        HostResource().update(context, NODE, wanted(disks=disks), made, after),
    ):
        with pytest.raises(SoopError, match="rack1 is not listed any more, and the node's data are on it"):
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
    context = Context(f"urn::{NODE}", EngineProgress(None, ""), Cancellation())
    assert asyncio.run(HostResource().read(context, NODE, wanted(), made)) == made
    network.machines["10.0.0.1"].claim = None
    seen = asyncio.run(HostResource().read(context, NODE, wanted(), made)) or {}
    assert list(HostResource().diff(wanted(), seen, wanted()).changes) == ["claimed"]
    asyncio.run(HostResource().update(context, NODE, wanted(), seen, wanted()))
    assert (network.machines["10.0.0.1"].claim or {})["node"] == NODE


def deleted(network: Network, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Delete the node on rack1, and return what was asked of the host."""
    made = created()
    host = network.machines["10.0.0.1"]
    host.asked.clear()
    host.is_gone = host.is_gone_when_left
    if host.loses_claim_to:
        host.claim = {"node": host.loses_claim_to, "key": "ssh-ed25519 THEIRS"}

    async def retire(target: Target, *_: Any) -> None:
        host.asked.append(f"retire {target.address}")

    monkeypatch.setattr(resource, "retire", retire)
    context = Context(f"urn::{NODE}", EngineProgress(None, ""), Cancellation())
    asyncio.run(HostResource().delete(context, NODE, wanted(), made))
    return host.asked


def test_what_is_ours_is_taken_off_a_host_before_the_claim(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    assert deleted(network, monkeypatch) == [
        *("look", "users_made", "retire 10.0.0.1"),
        *("remove_users", "unmount", "leave"),
    ]


def test_a_host_that_somebody_else_has_claimed_meanwhile_is_left_alone(
    network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.machines["10.0.0.1"].loses_claim_to = "web-1.access-service.rack-other"
    assert deleted(network, monkeypatch) == ["look"]


def test_a_host_that_is_gone_is_named_with_what_to_do(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.machines["10.0.0.1"].is_gone_when_left = True
    with pytest.raises(SoopError) as caught:
        deleted(network, monkeypatch)
    assert caught.value.message == "gone; so nothing is taken off the host"
    assert caught.value.hint == f"when the host is gone for good: pulumi state delete 'urn::{NODE}'"

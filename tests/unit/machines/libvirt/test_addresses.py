"""Addresses of domains and nodes."""

from __future__ import annotations

import asyncio
from ipaddress import ip_network
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.machines.libvirt.addresses import address_of, allot, host_of, mac_of, network_of, room
from soop_components.machines.libvirt.settings import LibvirtNetwork
from soop_components.machines.libvirt.subnet import SubnetResource
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.resource import Context
from soop_components.release.cancellation import Cancellation

NETWORK = "10.80.7.0/28"
SUBNET = SubnetResource()


def context() -> Context:
    return Context("urn:pulumi:test-a::soop::soop:index:Subnet::test-a", EngineProgress(None, ""), Cancellation())


def test_a_hardware_address_leads_back_to_the_address() -> None:
    assert address_of(mac_of("10.80.7.2"), "10.80.7.1") == "10.80.7.2"


def test_a_domain_s_network_is_its_own_part_of_all_addresses_unless_it_is_given_one() -> None:
    wanted = LibvirtNetwork(addresses="10.80.0.0/12", domains={"test-c": "192.168.9.0/24"})
    one, other = ip_network(network_of("test-a", wanted)), ip_network(network_of("test-b", wanted))
    assert network_of("test-a", wanted) == str(one)
    assert one.prefixlen == other.prefixlen == 24
    assert not one.overlaps(other)
    assert all(each.overlaps(ip_network("10.80.0.0/12")) for each in (one, other))
    assert network_of("test-c", wanted) == "192.168.9.0/24"
    assert network_of("test-a", LibvirtNetwork(addresses="10.80.7.0/24")) == "10.80.7.0/24"


def test_nodes_get_one_address_each_beside_the_host_s() -> None:
    nodes = [f"web-{number}" for number in range(1, room(NETWORK) + 1)]
    found, last = allot(NETWORK, nodes, {}, 0)
    assert host_of(NETWORK) == "10.80.7.1"
    assert list(found.values()) == [f"10.80.7.{number}" for number in range(2, 15)]
    assert last == 14


def test_a_node_keeps_its_address_and_what_another_one_leaves_is_given_last() -> None:
    before, last = allot(NETWORK, ["web-1", "web-2", "web-3"], {}, 0)
    after, last = allot(NETWORK, ["web-1", "web-3"], before, last)
    assert after == {"web-1": "10.80.7.2", "web-3": "10.80.7.4"}
    again, last = allot(NETWORK, ["web-1", "web-2", "web-3"], after, last)
    assert again == {**after, "web-2": "10.80.7.5"}
    turns = set()
    for number in range(20):
        again, last = allot(NETWORK, ["web-1", f"job-{number}"], again, last)
        turns.add(again[f"job-{number}"])
        assert again["web-1"] == "10.80.7.2"
    assert turns == {f"10.80.7.{number}" for number in range(3, 15)}


def test_a_node_that_comes_gets_what_a_leaving_one_has_only_where_there_is_nothing_else() -> None:
    nodes = [f"web-{number}" for number in range(1, room(NETWORK) + 1)]
    before, last = allot(NETWORK, nodes, {}, 0)
    after, _ = allot(NETWORK, [*nodes[1:], "store-1"], before, last)
    assert after["store-1"] == before["web-1"]


def test_the_state_remembers_addresses_and_the_first_network() -> None:
    wanted: dict[str, Any] = {"network": NETWORK, "nodes": ["web-1", "web-2"]}
    made = asyncio.run(SUBNET.create(context(), wanted)).outputs
    assert SUBNET.preview(context(), {}, wanted) == made
    assert not SUBNET.diff(wanted, made, {"network": "10.80.9.0/24", "nodes": ["web-2", "web-1"]}).changes
    more = {"network": "10.80.9.0/24", "nodes": ["web-1", "web-2", "store-1"]}
    assert list(SUBNET.diff(wanted, made, more).changes) == ["nodes"]
    as_stored = {**made, "last": float(made["last"])}
    changed = asyncio.run(SUBNET.update(context(), "test-a", wanted, as_stored, more))
    assert changed["network"] == NETWORK
    assert changed["addresses"] == {**made["addresses"], "store-1": "10.80.7.4"}
    assert SUBNET.preview(context(), as_stored, more) == changed


def test_more_nodes_than_there_are_addresses_are_refused() -> None:
    nodes = [f"web-{number}" for number in range(room(NETWORK) + 1)]
    with pytest.raises(SoopError, match=r"test-a: its network 10.80.7.0/28 has addresses for 13 nodes, and it has 14"):
        SUBNET.preview(context(), {}, {"network": NETWORK, "nodes": nodes})


def test_hardware_addresses_are_those_of_qemu() -> None:
    assert mac_of("10.80.7.254") == "52:54:00:50:07:fe"

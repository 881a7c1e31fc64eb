"""Who may connect to a Host: rules as nftables reads them, and how they come to it without locking anybody out."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.machines.host import firewall
from soop_components.machines.host.firewall import Firewall
from soop_components.machines.host.resource import HostResource
from soop_components.model.firewall import EVERYWHERE, Rule
from soop_components.provider.resource import PartialFailure
from tests.unit.machines.host.conftest import CONTEXT, NODE, Network, created, wanted

OFFICE, JUMP = "198.51.100.0/24", "198.51.100.7"
TABLE = "inet soop_rack_access"
GUARDED: dict[str, Any] = {"firewall": {"table": TABLE, "sshFrom": [OFFICE], "ports": {"80": [], "8080": []}}}


def test_rules_of_the_model_are_declared_by_port() -> None:
    among, ssh = Rule(port=None, domains=("rack-access",)), Rule(port=22, networks=(OFFICE,))
    told = Rule(port=81, networks=(OFFICE,), domains=("rack-one", "rack-without-hosts"))
    rules = [among, ssh, Rule(port=80, networks=EVERYWHERE), told, Rule(port=8080)]
    declared = firewall.declared("rack-access", rules, {"rack-one": ["192.0.2.11", "192.0.2.12"]})
    ports = {"80": [*EVERYWHERE], "81": [OFFICE, "192.0.2.11", "192.0.2.12"], "8080": []}
    assert declared == {"table": TABLE, "sshFrom": [OFFICE], "ports": ports}


def test_rules_guard_ports_of_the_service_and_that_of_ssh_and_no_others() -> None:
    ports = {80: ("0.0.0.0/0",), 443: EVERYWHERE, 8080: ("203.0.113.0/24", "203.0.113.9/32", "2001:db8::/32"), 5432: ()}
    rules = Firewall(TABLE, (OFFICE,), ports).rules(2222).splitlines()
    assert [line.strip() for line in rules[rules.index("  chain input {") + 1 : -2]] == [
        "type filter hook input priority filter; policy accept;",
        'iifname "lo" accept',
        "tcp flags & (syn | ack) != syn accept",
        "tcp dport != { 80, 2222, 5432, 8080 } accept",
        "ip saddr @nodes4 accept",
        "ip6 saddr @nodes6 accept",
        "meta nfproto ipv4 tcp dport 80 accept",
        f"tcp dport 2222 ip saddr {{ {OFFICE} }} accept",
        "tcp dport 8080 ip saddr { 203.0.113.0/24 } accept",
        "tcp dport 8080 ip6 saddr { 2001:db8::/32 } accept",
        "tcp dport { 80, 2222, 5432, 8080 } drop",
    ]


def test_where_everybody_may_there_is_no_chain() -> None:
    everybody = Firewall(TABLE, EVERYWHERE, {80: EVERYWHERE})
    assert everybody.rules(22) == everybody.empty


@pytest.mark.parametrize(
    ("address", "is_out"),
    [("198.51.100.7", False), ("::ffff:198.51.100.7", False), ("192.0.2.1", True), ("2001:db8::1", True), ("", False)],
)
def test_who_is_locked_out(address: str, is_out: bool) -> None:
    assert Firewall(TABLE, (OFFICE,), {}).locks_out(address) == is_out


def test_a_host_is_guarded_once_a_new_connection_has_succeeded(network: Network) -> None:
    machine = network.machines["10.0.0.1"]
    created(**GUARDED)
    assert machine.asked[-3:] == ["look_at_firewall", "arm_firewall", "keep_firewall"]
    assert network.keys == [None, "PRIVATE", "PRIVATE"]


def test_rules_that_are_there_are_not_armed_again(network: Network) -> None:
    machine = network.machines["10.0.0.1"]
    machine.found["kept"] = True
    created(**GUARDED)
    assert machine.asked[-1] == "look_at_firewall"


@pytest.mark.parametrize(
    ("what", "reason"),
    [({"nftables": False}, "nftables is not installed"), ({"caller": "192.0.2.1"}, "it is reached from 192.0.2.1")],
)
def test_what_cannot_be_guarded_is_refused_before_anything_changes(
    network: Network, what: dict[str, Any], reason: str
) -> None:
    machine = network.machines["10.0.0.1"]
    machine.found |= what
    with pytest.raises(SoopError, match=reason):
        created(**GUARDED)
    assert machine.asked == ["check_access", "look"]
    machine.found |= {"nftables": True, "caller": "198.51.100.7"}
    made = created()
    machine.found |= what
    machine.asked.clear()
    with pytest.raises(SoopError, match=reason):
        asyncio.run(HostResource().update(CONTEXT, NODE, wanted(), made, wanted(**GUARDED)))
    assert machine.asked == ["claim", "authorize", "look_at_firewall"]


def test_rules_that_let_no_new_connection_in_are_taken_back(network: Network) -> None:
    machine = network.machines["10.0.0.1"]
    machine.refuses["keep_firewall"] = 1
    with pytest.raises(PartialFailure, match="the new rules of its packet filter are taken back"):
        created(**GUARDED)
    assert machine.asked[-1] == "take_firewall_back"


def by_jump_host(**more: Any) -> dict[str, Any]:
    properties = wanted(**more)
    place = {"address": JUMP, "port": 22, "user": "me", "hostKey": "ssh-ed25519 JUMP"}
    properties["spec"]["hosts"] = [{**host, "jump": place} for host in properties["spec"]["hosts"]]
    return properties


def go_by_jump_host(made: dict[str, Any]) -> dict[str, Any]:
    wants = by_jump_host(**GUARDED)
    return asyncio.run(HostResource().update(CONTEXT, NODE, wanted(**GUARDED), made, wants))


def test_a_host_that_lets_in_only_who_comes_as_before_is_reached_so_to_let_in_who_comes_by_another_way(
    network: Network,
) -> None:
    made, machine = created(**GUARDED), network.machines["10.0.0.1"]
    machine.found |= {"kept": False, "caller": "192.0.2.1"}  # that of the way before, which may be shut
    machine.shut_to, machine.rules_shut = {JUMP}, {""}
    network.ways.clear()
    assert go_by_jump_host(made)["place"]["jump"]["address"] == JUMP
    assert network.ways == ["", JUMP, JUMP]
    assert machine.shut_to == {""}


def test_the_way_of_before_stays_open_where_the_other_one_leads_nowhere(network: Network) -> None:
    made, machine = created(**GUARDED), network.machines["10.0.0.1"]
    machine.found["kept"] = False
    machine.shut_to, machine.rules_shut = {JUMP}, {"", JUMP}
    with pytest.raises(SoopError, match="no answer; the new rules of its packet filter are taken back"):
        go_by_jump_host(made)
    assert machine.shut_to == {JUMP}


def test_another_way_has_to_lead_to_the_host_also_where_its_rules_stay(network: Network) -> None:
    made, machine = created(**GUARDED), network.machines["10.0.0.1"]
    machine.shut_to = {JUMP}
    with pytest.raises(SoopError, match="no answer"):
        go_by_jump_host(made)


def test_a_way_of_before_that_is_gone_is_none(network: Network) -> None:
    made, machine = created(**GUARDED), network.machines["10.0.0.1"]
    machine.shut_to = {""}
    network.ways.clear()
    assert go_by_jump_host(made)["place"]["jump"]["address"] == JUMP
    assert network.ways == ["", JUMP]


def test_ports_of_the_version_before_stay_guarded_since_a_rollback_leads_back_to_it(network: Network) -> None:
    made, machine = created(**GUARDED), network.machines["10.0.0.1"]
    moved = {"firewall": {**GUARDED["firewall"], "ports": {"80": [], "8081": []}}}
    machine.found["kept"] = False
    made = asyncio.run(HostResource().update(CONTEXT, NODE, wanted(**GUARDED), made, wanted(**moved)))
    assert "tcp dport { 22, 80, 8080, 8081 } drop" in machine.rules
    machine.found["kept"] = False
    asyncio.run(HostResource().update(CONTEXT, NODE, wanted(**moved), made, wanted(**moved)))
    assert "tcp dport { 22, 80, 8081 } drop" in machine.rules


def test_rules_that_are_gone_are_drift(network: Network) -> None:
    made = created(**GUARDED)
    network.machines["10.0.0.1"].found["guarded"] = False
    read = asyncio.run(HostResource().read(CONTEXT, NODE, wanted(**GUARDED), made)) or {}
    assert list(HostResource().diff(wanted(**GUARDED), read, wanted(**GUARDED)).changes) == ["guarded"]
    assert asyncio.run(HostResource().update(CONTEXT, NODE, wanted(**GUARDED), read, wanted(**GUARDED))) == made


def test_a_host_that_is_left_is_opened_up(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = network.machines["10.0.0.1"]
    made = created(**GUARDED)

    async def retire(*_: Any) -> None:
        machine.asked.append("retire")

    monkeypatch.setattr("soop_components.machines.host.leaving.retire", retire)
    asyncio.run(HostResource().delete(CONTEXT, NODE, wanted(**GUARDED), made))
    assert machine.asked[-3:] == ["unmount", "remove_firewall", "leave"]

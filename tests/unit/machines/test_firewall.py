"""The rules of an environment's bridge, as text that ``nft`` reads."""

from __future__ import annotations

import shutil

import pytest

from soop_components.machines.local.root_helper import firewall
from soop_components.machines.local.root_helper.failure import Refused
from soop_components.machines.local.root_helper.firewall import Machine, ruleset
from soop_components.machines.local.root_helper.request import Opening

RULES = """\
table bridge soop
delete table bridge soop
table bridge soop {
  set domain0 { type ifname; elements = { "m002", "m00a" } }
  set domain1 { type ifname; elements = { "m003" } }
  set own { type ifname . ether_addr . ipv4_addr; elements = { OWN } }
  chain prerouting {
    type filter hook prerouting priority filter; policy drop;
    iifname "uplink" accept
    iifname . ether saddr . ip saddr @own accept
    iifname . ether saddr . arp saddr ip @own accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
    iifname "uplink" ip saddr 10.64.0.1 accept
    iifname "uplink" arp saddr ip 10.64.0.1 accept
    oifname "uplink" accept
    iifname @domain0 oifname @domain0 accept
    iifname @domain1 oifname @domain1 accept
  }
}
"""
RULES = RULES.replace(
    "OWN",
    '"m002" . 02:50:00:00:00:02 . 10.64.0.2, "m003" . 02:50:00:00:00:03 . 10.64.0.3, '
    '"m00a" . 02:50:00:00:00:0a . 10.64.0.10',
)
OPENED = """\
    iifname @domain1 oifname { "m002", "m00a" } tcp dport 80 accept
    iifname { "m002", "m00a" } oifname @domain1 tcp sport 80 tcp flags & (syn | ack) != syn accept
    iifname @domain1 oifname { "m002", "m00a" } ether type arp accept
    iifname { "m002", "m00a" } oifname @domain1 ether type arp accept
"""


def machine(number: int, domain: str, *inbound: Opening) -> Machine:
    return Machine(f"m{number:03x}", f"02:50:00:00:00:{number:02x}", f"10.64.0.{number}", domain, inbound)


def test_machines_reach_those_of_their_domain_and_the_host_reaches_all() -> None:
    machines = [machine(3, "dev-one"), machine(10, "dev-access"), machine(2, "dev-access")]
    assert ruleset("10.64.0.1", machines) == RULES


def test_another_domain_connects_to_open_ports_and_gets_answers() -> None:
    opened = Opening(80, ("dev-one", "dev-without-machines"))
    web = [machine(number, "dev-access", opened) for number in (10, 2)]
    assert ruleset("10.64.0.1", [*web, machine(3, "dev-one")]) == RULES.replace("  }\n}", f"{OPENED}  }}\n}}")


def test_a_host_that_cannot_filter_is_told_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*argv: str, stdin: str) -> str:
        raise Refused("nft failed: Operation not supported")

    monkeypatch.setattr(firewall, "run", fail)
    monkeypatch.setattr(shutil, "which", lambda program, path: f"/usr/sbin/{program}")
    with pytest.raises(Refused, match="Operation not supported") as refused:
        firewall.isolate(1, [])
    assert "CONFIG_NF_TABLES_BRIDGE" in str(refused.value.hint)

    def fail_once(*argv: str, stdin: str) -> str:
        return fail(*argv, stdin=stdin) if argv[0] == "ip" else ""

    monkeypatch.setattr(firewall, "run", fail_once)
    with pytest.raises(Refused, match="Operation not supported") as refused:
        firewall.isolate(1, [])
    assert refused.value.hint is None, "the kernel can, so it is something else"
    monkeypatch.setattr(shutil, "which", lambda program, path: None)
    with pytest.raises(Refused, match="nft is not installed") as refused:
        firewall.isolate(1, [])
    assert refused.value.hint == "apt-get install nftables"

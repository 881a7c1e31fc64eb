"""The rules of an environment's bridge, as text that ``nft`` reads."""

from __future__ import annotations

from soop_components.machines.local.root_helper.firewall import ruleset

RULES = """\
table bridge soop
delete table bridge soop
table bridge soop {
  set domain0 { type ifname; elements = { "m002", "m00a" } }
  set domain1 { type ifname; elements = { "m003" } }
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


def test_machines_reach_those_of_their_domain_and_the_host_reaches_all() -> None:
    assert ruleset("10.64.0.1", {"dev-one": ["m003"], "dev-access": ["m00a", "m002"]}) == RULES

"""The rules of ``model/firewall.py`` as a packet filter on the machine itself; pure.

Only ports that a service answers at are guarded, and that of SSH; whatever else is on the machine is as reachable as
before. Only what begins a connection of TCP is judged, so no connection is tracked, and open ones go on.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from soop_components.model.firewall import SSH, Rule

_BOTH = {4: "ip", 6: "ip6"}
_FAMILY = {4: "ipv4", 6: "ipv6"}


@dataclass(frozen=True)
class Firewall:
    """Who may connect to which ports of a node, beside the nodes of its domain."""

    table: str
    """Of nftables, ``inet soop_rack_access``."""
    ssh_from: tuple[str, ...]
    ports: Mapping[int, tuple[str, ...]]
    """Networks by port, those of services."""

    @classmethod
    def parse(cls, listed: Mapping[str, Any]) -> Firewall:
        """Read the property ``firewall`` of a Host's ``spec``."""
        ports = {int(port): tuple(networks) for port, networks in listed["ports"].items()}
        return cls(listed["table"], tuple(listed["sshFrom"]), ports)

    def rules(self, ssh: int) -> str:
        """Return the rules of a machine whose SSH server has a port, as ``nft`` reads them."""
        ports = {**self.ports, ssh: (*self.ports.get(ssh, ()), *self.ssh_from)}
        guarded = {port: sources for port, networks in sorted(ports.items()) if (sources := _sources(networks))}
        return self._text(
            [
                "  chain input {",
                "    type filter hook input priority filter; policy accept;",
                '    iifname "lo" accept',
                "    tcp flags & (syn | ack) != syn accept",
                f"    tcp dport != {{ {', '.join(map(str, guarded))} }} accept",
                "    ip saddr @nodes4 accept",
                "    ip6 saddr @nodes6 accept",
                *(line for port, sources in guarded.items() for line in _openings(port, sources)),
                f"    tcp dport {{ {', '.join(map(str, guarded))} }} drop",
                "  }",
            ]
            if guarded
            else []
        )

    def keeping(self, before: Firewall | None) -> Firewall:
        """Return the rules with those of ports that only the ones ``before`` name: a rollback leads back to them."""
        return replace(self, ports={**before.ports, **self.ports}) if before else self

    def locks_out(self, address: str) -> bool:
        """Return whether somebody at an address cannot connect by SSH; False if it is unknown, that is empty."""
        if not address:
            return False
        found = ipaddress.ip_address(address)
        found = getattr(found, "ipv4_mapped", None) or found
        return not any(found in ipaddress.ip_network(each) for each in self.ssh_from)

    @property
    def empty(self) -> str:
        """Rules that keep nobody out."""
        return self._text([])

    def _text(self, chain: Sequence[str]) -> str:
        table = f"table {self.table}"
        sets = [f"  set nodes{version} {{ type {kind}_addr; }}" for version, kind in _FAMILY.items()]
        return "\n".join([table, f"delete {table}", f"{table} {{", *sets, *chain, "}", ""])


def declared(domain: str, inbound: Iterable[Rule], hosts: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the property ``firewall`` of a node of a domain; ``hosts`` are addresses of nodes of other domains."""
    rules = {
        rule.port: [*rule.networks, *(each for other in rule.domains for each in hosts.get(other, ()))]
        for rule in inbound
        if rule.port is not None
    }
    ssh_from = rules.pop(SSH, [])
    table = f"inet soop_{domain.replace('-', '_')}"
    return {"table": table, "sshFrom": ssh_from, "ports": {str(port): each for port, each in sorted(rules.items())}}


def _sources(networks: Iterable[str]) -> Mapping[int, Sequence[str]] | None:
    """Return networks by version of IP, without those that are within others; None if that is everybody."""
    parsed = [ipaddress.ip_network(each) for each in networks]
    found = {
        4: [
            str(each)
            for each in ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv4Network))
        ],
        6: [
            str(each)
            for each in ipaddress.collapse_addresses(n for n in parsed if isinstance(n, ipaddress.IPv6Network))
        ],
    }
    return None if found == {4: ["0.0.0.0/0"], 6: ["::/0"]} else found


def _openings(port: int, sources: Mapping[int, Sequence[str]]) -> Iterable[str]:
    for version, networks in sources.items():
        if networks in (["0.0.0.0/0"], ["::/0"]):
            yield f"    meta nfproto {_FAMILY[version]} tcp dport {port} accept"
        elif networks:
            yield f"    tcp dport {port} {_BOTH[version]} saddr {{ {', '.join(networks)} }} accept"

"""Packet filter of an environment: nftables on its bridge, where no machine reaches it; pure but for ``isolate``.

A frame is judged by the bridge's ports, which nobody can forge as an address can be. Machines of one domain reach each
other, the host reaches all of them, and nothing else passes. No connections are tracked, since not every kernel does so
on bridges.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import network, slots
from .command import run
from .record import Record
from .request import domain_of

_TABLE = "bridge soop"


def isolate(slot: int, records: Iterable[Record]) -> None:
    """Let the machines of an environment reach what they may; all rules are replaced in one step."""
    domains: dict[str, list[str]] = {}
    for record in records:
        if record.slot == slot:
            domains.setdefault(domain_of(record.spec.name), []).append(network.bridge_port(record.id))
    rules = ruleset(str(slots.address(slot, 1)), domains)
    run("ip", "netns", "exec", network.environment_namespace(slot), "nft", "-f", "-", stdin=rules)


def ruleset(host: str, domains: Mapping[str, Iterable[str]]) -> str:
    """Return the rules, as ``nft`` reads them, of domains with the ports of their machines on the bridge."""
    ports = {f"domain{number}": ports for number, (_, ports) in enumerate(sorted(domains.items()))}
    sets = [f"  set {name} {{ type ifname; elements = {_set(of_domain)} }}" for name, of_domain in ports.items()]
    return "\n".join(
        [
            f"table {_TABLE}",
            f"delete table {_TABLE}",
            f"table {_TABLE} {{",
            *sets,
            "  chain forward {",
            "    type filter hook forward priority filter; policy drop;",
            f'    iifname "uplink" ip saddr {host} accept',
            f'    iifname "uplink" arp saddr ip {host} accept',
            '    oifname "uplink" accept',
            *(f"    iifname @{name} oifname @{name} accept" for name in ports),
            "  }",
            "}",
            "",
        ]
    )


def _set(values: Iterable[str]) -> str:
    return f"{{ {', '.join(f'{chr(34)}{each}{chr(34)}' for each in sorted(values))} }}"

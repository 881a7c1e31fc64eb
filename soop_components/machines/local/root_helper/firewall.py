"""Packet filter of an environment: nftables on its bridge, where no machine reaches it.

A frame is judged by the bridge's ports, which nobody can forge as an address can be; addresses that are not those of
the machine at a port do not come in, so that nobody gets what is meant for others. Machines of one domain reach each
other, the host reaches all of them, other domains reach the TCP ports that are open to them, and nothing else passes.
No connections are tracked, since not every kernel does so on bridges: an answer is what comes from an open port and
begins no connection.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from . import network, slots
from .command import ENVIRONMENT, missing, run
from .failure import Refused
from .record import Record
from .request import Opening, domain_of

_TABLE = "bridge soop"
_KERNEL = "the host's kernel must support rules of nftables for bridges (CONFIG_NF_TABLES_BRIDGE)"


@dataclass(frozen=True)
class Machine:
    """A machine as the rules see it."""

    port: str
    """Of the bridge."""
    mac: str
    address: str
    domain: str
    inbound: tuple[Opening, ...] = ()


def isolate(slot: int, records: Iterable[Record]) -> None:
    """Let the machines of an environment reach what they may; all rules are replaced in one step."""
    machines = [
        Machine(
            network.bridge_port(each.id), network.mac(each), each.address, domain_of(each.spec.name), each.spec.inbound
        )
        for each in records
        if each.slot == slot
    ]
    rules = ruleset(str(slots.address(slot, 1)), machines)
    if shutil.which("nft", path=ENVIRONMENT["PATH"]) is None:  # else it is `ip` that says so
        raise missing("nft")
    try:
        run("ip", "netns", "exec", network.environment_namespace(slot), "nft", "-f", "-", stdin=rules)
    except Refused as error:
        raise Refused(error.message, None if _is_supported() else _KERNEL) from error


def _is_supported() -> bool:
    """Return whether the kernel takes rules for bridges at all; tried in a namespace that ends at once."""
    try:
        run("unshare", "--net", "nft", "-f", "-", stdin=f"table {_TABLE}\n")
    except Refused:
        return False
    return True


def ruleset(host: str, machines: Sequence[Machine]) -> str:
    """Return the rules of an environment's machines, as ``nft`` reads them."""
    domains: dict[str, list[str]] = defaultdict(list)
    for machine in machines:
        domains[machine.domain].append(machine.port)
    names = {domain: f"@domain{number}" for number, domain in enumerate(sorted(domains))}
    sets = [f"  set {names[each][1:]} {{ type ifname; elements = {_set(domains[each])} }}" for each in names]
    own = sorted({f'"{each.port}" . {each.mac} . {each.address}' for each in machines})
    elements = f" elements = {{ {', '.join(own)} }}" if own else ""
    return "\n".join(
        [
            f"table {_TABLE}",
            f"delete table {_TABLE}",
            f"table {_TABLE} {{",
            *sets,
            f"  set own {{ type ifname . ether_addr . ipv4_addr;{elements} }}",
            "  chain prerouting {",
            "    type filter hook prerouting priority filter; policy drop;",
            '    iifname "uplink" accept',
            "    iifname . ether saddr . ip saddr @own accept",
            "    iifname . ether saddr . arp saddr ip @own accept",
            "  }",
            "  chain forward {",
            "    type filter hook forward priority filter; policy drop;",
            f'    iifname "uplink" ip saddr {host} accept',
            f'    iifname "uplink" arp saddr ip {host} accept',
            '    oifname "uplink" accept',
            *(f"    iifname {name} oifname {name} accept" for name in names.values()),
            *_openings(machines, names),
            "  }",
            "}",
            "",
        ]
    )


def _openings(machines: Iterable[Machine], names: Mapping[str, str]) -> Iterable[str]:
    """Yield what lets machines of the domains with these ``names`` connect to ports of others."""
    opened: dict[tuple[str, int], set[str]] = defaultdict(set)
    for machine in machines:
        for opening in machine.inbound:
            for domain in opening.domains:
                if domain in names:
                    opened[names[domain], opening.port].add(machine.port)
    for (domain, port), targets in sorted(opened.items()):
        asks, answers = f"iifname {domain} oifname {_set(targets)}", f"iifname {_set(targets)} oifname {domain}"
        yield f"    {asks} tcp dport {port} accept"
        yield f"    {answers} tcp sport {port} tcp flags & (syn | ack) != syn accept"
        yield f"    {asks} ether type arp accept"
        yield f"    {answers} ether type arp accept"


def _set(values: Collection[str]) -> str:
    return "{ " + ", ".join(f'"{each}"' for each in sorted(values)) + " }"

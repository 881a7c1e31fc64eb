"""Addresses of a domain's network and of its nodes; pure.

A node's address is written on its disk at the first start and stays for ever, whoever comes or goes beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # of the program: the provider does without it
    from soop_components.machines.libvirt.settings import LibvirtNetwork

SUBNET = "soop:index:Subnet"
"""Type of the resource that remembers which node has which address."""
PREFIX = 24
"""Bits that all addresses of a domain have in common, where the environment does not give it a network of its own."""
_FIRST = 2
"""Number of the first node's address in its network; the host has 1."""


def network_of(domain: str, wanted: LibvirtNetwork) -> str:
    """Return the network of a domain: the one that the environment gives it, else one by its name."""
    if domain in wanted.domains:
        return wanted.domains[domain]
    whole = IPv4Network(wanted.addresses)
    number = int.from_bytes(hashlib.sha256(domain.encode()).digest()[:8], "big") % 2 ** (PREFIX - whole.prefixlen)
    return f"{whole.network_address + number * 2 ** (32 - PREFIX)}/{PREFIX}"


def room(network: str) -> int:
    """Return how many nodes a network has addresses for."""
    return IPv4Network(network).num_addresses - _FIRST - 1


def allot(network: str, nodes: Sequence[str], before: Mapping[str, str], last: int) -> tuple[dict[str, str], int]:
    """Give each node an address: its own, if it had one ``before``; else the next after the ``last`` that was given.

    So what a node leaves is somebody else's only after all others had their turn: it may still run meanwhile. There
    must be ``room``. Returns the addresses, and the number of the last one that was given.
    """
    whole = IPv4Network(network)
    end = _FIRST + room(network)
    kept = {node: before[node] for node in nodes if node in before}
    turn = [str(whole[number]) for number in (*range(max(last + 1, _FIRST), end), *range(_FIRST, min(last + 1, end)))]
    used, staying = set(before.values()), set(kept.values())
    free = [each for each in turn if each not in used] + [each for each in turn if each in used - staying]
    for node in nodes:
        if node not in kept:
            kept[node] = free.pop(0)
            last = int(IPv4Address(kept[node])) - int(whole.network_address)
    return kept, last


def host_of(network: str) -> str:
    """Return the address that libvirt's host has in a network."""
    return str(IPv4Network(network)[1])


def address_of(mac: str, host: str) -> str:
    """Return the address of a node by its hardware address, in the network in which libvirt's host has an address."""
    return str(IPv4Address(IPv4Address(host).packed[:1] + bytes.fromhex(mac.replace(":", ""))[3:]))


def mac_of(address: str) -> str:
    """Return the hardware address of a node in its domain's network, where it is unique as the address is."""
    return "52:54:00:" + ":".join(f"{byte:02x}" for byte in IPv4Address(address).packed[1:])

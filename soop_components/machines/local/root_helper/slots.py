"""Slots: the numbers of environments on this host, each with a subnet of its own; pure decisions."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network

from .failure import Refused

_POOLS = tuple(map(IPv4Network, ("10.64.0.0/11", "172.16.0.0/12", "198.18.0.0/15")))
"""Private addresses (RFC 1918) without Kubernetes' usual 10.96.0.0/12; at last those for benchmarks (RFC 2544)."""
_PREFIX = 22
_CATCH_ALL = 7
"""Routes of up to so many bits are ways to everywhere, not networks."""
FIRST, LAST = 2, (1 << (32 - _PREFIX)) - 2
"""Numbers of machines in a subnet; 1 is the host."""


def _count(pool: IPv4Network) -> int:
    return 1 << (_PREFIX - pool.prefixlen)


SLOTS = sum(_count(pool) for pool in _POOLS)


def subnet(slot: int) -> IPv4Network:
    """Return the subnet of a slot."""
    index = slot
    for pool in _POOLS:
        if index < _count(pool):
            return IPv4Network((int(pool.network_address) + (index << (32 - _PREFIX)), _PREFIX))
        index -= _count(pool)
    raise ValueError(slot)


def address(slot: int, number: int) -> IPv4Address:
    """Return the address of a machine; number 1 is the host."""
    return subnet(slot)[number]


def choose_slot(
    realm: str, environment: str, preferred: int | None, taken: Collection[int], foreign: Iterable[str]
) -> int:
    """Return a slot that nobody has and whose subnet overlaps none of the host's ``foreign`` networks."""
    networks = [network for network in map(_network, foreign) if network is not None]
    candidates = _probes(realm, environment)
    for slot in candidates if preferred is None else (preferred, *candidates):
        if slot not in taken and not any(subnet(slot).overlaps(network) for network in networks):
            return slot
    raise Refused("no subnet is free: the host's routes cover all of " + ", ".join(map(str, _POOLS)))


def choose_number(name: str, taken: Collection[int]) -> int:
    """Return a free machine number, the same for the same name as long as nobody else has it."""
    count = LAST - FIRST + 1
    start = _hash(name) % count
    for step in range(count):
        number = FIRST + (start + step) % count
        if number not in taken:
            return number
    raise Refused(f"{name}: the environment has {count} machines already, which is all that its subnet holds")


def _probes(realm: str, environment: str) -> Iterator[int]:
    first = 0
    for pool in _POOLS:
        count = _count(pool)
        start = _hash(f"{realm} {environment}") % count
        yield from (first + (start + step) % count for step in range(count))
        first += count


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _network(text: str) -> IPv4Network | None:
    if text == "default":
        return None
    network = IPv4Network(text, strict=False)
    return network if network.prefixlen > _CATCH_ALL else None

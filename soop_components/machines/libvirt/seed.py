"""What a virtual machine finds at its first start beside user data: who it is, and its addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from soop_components.machines.libvirt.addresses import host_of, mac_of


def meta_data(node: str, machine: str) -> str:
    """Return NoCloud's metadata; ``machine`` tells machines of one node apart, each of which has a first start."""
    return json.dumps({"instance-id": f"{node}-{machine}", "local-hostname": node})


def network_config(network: str, address: str, public_mac: str | None) -> str:
    """Return a network configuration, version 2: a fixed address, and what DHCP says on a public bridge.

    A machine on a public bridge has its way out there, since answers to the outside must go the way that requests come.
    """
    host = host_of(network)
    own: dict[str, Any] = {
        "match": {"macaddress": mac_of(address)},
        "addresses": [f"{address}/{IPv4Network(network).prefixlen}"],
        "nameservers": {"addresses": [host]},
    }
    interfaces: Mapping[str, Any] = {"domain": {**own, "routes": [{"to": "0.0.0.0/0", "via": host}]}}
    if public_mac is not None:
        interfaces = {"domain": own, "public": {"match": {"macaddress": public_mac}, "dhcp4": True}}
    return json.dumps({"version": 2, "ethernets": interfaces})

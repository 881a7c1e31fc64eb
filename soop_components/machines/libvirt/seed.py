"""What a virtual machine finds at its first start beside user data: who it is, and its addresses."""

from __future__ import annotations

import json
from ipaddress import IPv4Network

from soop_components.machines.libvirt.addresses import host_of, mac_of


def meta_data(node: str, machine: str) -> str:
    """Return NoCloud's metadata; ``machine`` tells machines of one node apart, each of which has a first start."""
    return json.dumps({"instance-id": f"{node}-{machine}", "local-hostname": node})


def network_config(network: str, address: str) -> str:
    """Return a network configuration, version 2: a fixed address, and libvirt's host as the way out."""
    host = host_of(network)
    own = {
        "match": {"macaddress": mac_of(address)},
        "addresses": [f"{address}/{IPv4Network(network).prefixlen}"],
        "nameservers": {"addresses": [host]},
        "routes": [{"to": "0.0.0.0/0", "via": host}],
    }
    return json.dumps({"version": 2, "ethernets": {"domain": own}})

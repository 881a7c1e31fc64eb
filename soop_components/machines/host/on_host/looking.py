"""What kind of machine it is."""

from __future__ import annotations

import os

from soop_components.machines.host.on_host import listening, packet_filter
from soop_components.machines.host.on_host.claims import claimed, occupied
from soop_components.machines.host.on_host.files import Answer, output


def look(node: str, mounts: list[str], table: str = "", ports: list[int] | None = None) -> Answer:
    """Return what kind of machine this is, who has claimed it, and whose data are where a node wants its own.

    Also who listens at ``ports`` that it wants, whether a ``table`` of nftables is there, and what has to be known
    before one is made.
    """
    release = {}
    with open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            key, _, value = line.strip().partition("=")
            release[key] = value.strip('"')
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = next(int(line.split()[1]) * 1024 for line in file if line.startswith("MemTotal"))
    return {
        "base": f"{release.get('ID')}-{release.get('VERSION_ID')}",
        "architecture": output("dpkg", "--print-architecture"),
        "systemd": os.path.isdir("/run/systemd/system"),
        "memory": memory,
        "cpus": os.cpu_count(),
        "claim": claimed(),
        "occupied": occupied(mounts, node),
        "in_use": listening.in_use(ports or []),
        "guarded": bool(table) and packet_filter.is_loaded(table),
        "nftables": not packet_filter.is_missing(),
        "caller": packet_filter.caller(),
    }

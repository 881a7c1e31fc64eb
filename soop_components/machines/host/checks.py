"""Whether a machine fits: asked of what it says of itself, before anything on it is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from soop_components.machines.host.spec import HostSpec
from soop_components.model.size import size_text

_ARCHITECTURE = "amd64"
"""Of the packages in artifacts."""
_KERNEL = 0.85
"""Part of a machine's memory that is left when its kernel has taken what it needs."""


def unfit(found: Mapping[str, Any], spec: HostSpec) -> Iterator[str]:
    """Yield what speaks against a machine, of which ``on_host.look`` has found this."""
    if found["base"] != spec.base:
        yield f"its system is {found['base']}, and the service is built for {spec.base}"
    if found["architecture"] != _ARCHITECTURE:
        yield f"its architecture is {found['architecture'] or 'unknown'}, and packages are for {_ARCHITECTURE}"
    if not found["systemd"]:
        yield "systemd does not run on it"
    if found["memory"] < spec.memory * _KERNEL:
        yield f"it has {size_text(found['memory'])} of memory, less than {size_text(spec.memory)}"
    for path, owner in found["occupied"].items():
        yield f"{path} holds data of {owner}, and the node wants its own there"
    for port, holder in found["in_use"].items():
        yield f"port {port} is in use by {holder}, which the node needs: end it, or give the service another one"
    yield from unguardable(found, spec)
    if found["cpus"] < spec.cpus:
        yield f"it has {found['cpus']} processors, less than {spec.cpus}"


def unguardable(found: Mapping[str, Any], spec: HostSpec) -> Iterator[str]:
    """Yield why a machine cannot be guarded by a packet filter, if it is to be."""
    if spec.firewall and not found["nftables"]:
        yield "nftables is not installed, which keeps others from the node's ports: install Debian's package nftables"
    if spec.firewall and spec.firewall.locks_out(found["caller"]):
        yield f"it is reached from {found['caller']}, which the environment's security.ssh_from does not let in"

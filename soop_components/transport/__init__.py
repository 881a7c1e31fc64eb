"""Reaching a node: one SSH connection with a host key that is known beforehand."""

from soop_components.transport.ssh import (
    Connection,
    ConnectionLost,
    Outcome,
    Process,
    Target,
    TooMuch,
    Unreachable,
    connect,
    load_library,
)

__all__ = [
    "Connection",
    "ConnectionLost",
    "Outcome",
    "Process",
    "Target",
    "TooMuch",
    "Unreachable",
    "connect",
    "load_library",
]

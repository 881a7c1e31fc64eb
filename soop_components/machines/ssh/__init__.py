"""Existing hosts, reached by SSH: somebody else makes them, and they stay when their nodes go."""

from soop_components.machines.ssh.kind import KIND

__all__ = ["KIND"]

"""Local machines: systemd-nspawn containers on this host, the embedded default.

They have systemd, sshd, a network and disks like any machine, start in about a second, and are a developer's
convenience, not a security boundary. All that needs root is in ``root_helper``.
"""

from soop_components.machines.local.kind import KIND

__all__ = ["KIND"]

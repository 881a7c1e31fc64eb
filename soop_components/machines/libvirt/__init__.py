"""Virtual machines of libvirt: Pulumi's own resources for domains, volumes and networks."""

from soop_components.machines.libvirt.kind import KIND

__all__ = ["KIND"]

"""Machines of Amazon EC2: Pulumi's own resources for instances, security groups and volumes."""

from soop_components.machines.aws.kind import KIND

__all__ = ["KIND"]

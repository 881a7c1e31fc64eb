"""Pulumi components that declare a domain: its services, their nodes, and the release of each service."""

from soop_components.components.domain import Domain
from soop_components.components.node import Node
from soop_components.components.service import Service

__all__ = ["Domain", "Node", "Service"]

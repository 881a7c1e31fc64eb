"""The list of all resources that the provider serves."""

from __future__ import annotations

from soop_components.provider.disk import DiskResource
from soop_components.provider.generated_secret import GeneratedSecretResource
from soop_components.provider.key import KeyResource
from soop_components.provider.machine import MachineResource
from soop_components.provider.release import ReleaseResource
from soop_components.provider.resource import Resource


def all_resources() -> list[Resource]:
    """Return one of each kind."""
    return [KeyResource(), GeneratedSecretResource(), DiskResource(), MachineResource(), ReleaseResource()]

"""The list of all resources that the provider serves."""

from __future__ import annotations

from soop_components.machines.kinds import all_kinds
from soop_components.provider.generated_secret import GeneratedSecretResource
from soop_components.provider.key import KeyResource
from soop_components.provider.release import ReleaseResource
from soop_components.provider.resource import Resource


def all_resources() -> list[Resource]:
    """Return one of each type."""
    of_kinds = [resource for kind in all_kinds() for resource in kind.resources()]
    return [KeyResource(), GeneratedSecretResource(), *of_kinds, ReleaseResource()]

"""How the resources of a provider behave: what needs a new one, what it is known by, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from tests.native.cloud import Cloud


class RefusedError(Exception):
    """What the provider's API answers with an error."""


@dataclass(frozen=True)
class Behaviour:
    """Of one type."""

    prefix: str = ""
    """Of its ids, where nothing else makes them."""
    replaces: frozenset[str] = frozenset()
    """Properties whose change needs a new one."""
    computed: tuple[str, ...] = ()
    """Outputs that are not inputs."""


class Provider(Protocol):
    """A provider that is stood in for."""

    version: str
    behaviours: Mapping[str, Behaviour]
    """By type, ``aws:ec2/instance:Instance``."""

    def configure(self, settings: dict[str, Any]) -> None:
        """Raise ``RefusedError`` for settings of the provider that it does not accept."""

    def created(self, cloud: Cloud, token: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Return the id and the outputs of a new resource, or of one that is there and is taken instead."""

    def refuse_deletion(self, cloud: Cloud, token: str, id: str) -> None:
        """Raise ``RefusedError`` for what something else still needs."""

"""The list of all kinds of machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from soop_components.errors import SoopError
from soop_components.machines import Kind
from soop_components.model.names import DEFAULT_KIND, shown

KINDS = {name: f"soop_components.machines.{name}" for name in ("local", "ssh", "libvirt", "aws")}
"""The package of each kind, which has it as ``KIND``; imported when somebody asks for it."""


def kind_of(name: str) -> Kind:
    """Return the kind with a name; ``SoopError`` if there is none."""
    if name not in KINDS:
        raise SoopError(unknown_kind(name))
    kind: Kind = import_module(KINDS[name]).KIND
    return kind


def all_kinds() -> Iterator[Kind]:
    """Yield every kind, for what concerns them all."""
    return map(kind_of, KINDS)


def kind_in(said: Mapping[str, Any]) -> Any:
    """Return the name of the kind that an environment's file asks for, or that the inputs of a domain record."""
    return said.get("machines", DEFAULT_KIND)


def kind_input(name: str) -> dict[str, str]:
    """Return the input that records a kind of machines; none for the kind that is the default."""
    return {} if name == DEFAULT_KIND else {"machines": name}


def unknown_kind(name: str) -> str:
    """Return the sentence that refuses a kind that does not exist."""
    return f"machines of the kind {shown(name)} are not made yet; expected {' or '.join(KINDS)}"

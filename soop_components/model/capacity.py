"""What domains take of an environment's capacity, and whether there is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from soop_components.model.domain import DomainService
from soop_components.model.environment import Environment
from soop_components.model.names import listed
from soop_components.model.service import ServiceDefinition
from soop_components.model.size import bytes_of, size_text

_SHOWN = 5
"""Other domains that a message names."""


@dataclass(frozen=True)
class Demand:
    """Nodes, CPUs and bytes of memory."""

    nodes: int = 0
    cpus: int = 0
    memory: int = 0

    def __add__(self, other: Demand) -> Demand:
        return Demand(self.nodes + other.nodes, self.cpus + other.cpus, self.memory + other.memory)


def demand_of(service: DomainService, definition: ServiceDefinition | None, environment: Environment) -> Demand:
    """Return what a service of a domain takes; without its definition only the nodes that the domain itself counts."""
    if definition is None:
        return Demand(sum(service.nodes.values()))
    total = Demand()
    for role, node in definition.nodes.items():
        count = service.nodes.get(role, node.count.default)
        size = environment.sizes.get(node.size)
        total += Demand(count, count * size.cpus, count * bytes_of(size.memory)) if size else Demand(count)
    return total


def capacity_problems(environment: Environment, domain: str, asked: Demand, others: Mapping[str, Demand]) -> list[str]:
    """Say of what the environment has too little for ``domain``, beside the ``others``."""
    capacity = environment.capacity
    memory = bytes_of(capacity.memory) if capacity.memory is not None else None
    limits = {"nodes": capacity.nodes, "cpus": capacity.cpus, "memory": memory}
    taken = sum(others.values(), Demand())
    problems = []
    for field in fields(Demand):
        kind, limit = field.name, limits[field.name]
        if limit is not None and getattr(asked, kind) + getattr(taken, kind) > limit:
            has, asks = _amount(kind, limit), _amount(kind, getattr(asked, kind))
            beside = _beside({id: getattr(demand, kind) for id, demand in others.items()}, kind)
            problems.append(f"environment {environment.name} has {has}; {domain} asks for {asks}, {beside}")
    return problems


def _beside(others: Mapping[str, int], kind: str) -> str:
    """Say what is taken, and by whom most."""
    taken = sum(others.values())
    if not taken:
        return "no other domain takes any"
    ranked = sorted((id for id in others if others[id]), key=lambda id: (-others[id], id))
    named = listed([f"{id} ({_quantity(kind, others[id])})" for id in ranked], _SHOWN)
    return f"{_quantity(kind, taken)} of them are taken by {named}"


def _amount(kind: str, value: int) -> str:
    """Write ``1 node``, ``2 cpus``, ``512MiB of memory``."""
    if kind == "memory":
        return f"{_quantity(kind, value)} of memory"
    return f"{value} {kind.removesuffix('s') if value == 1 else kind}"


def _quantity(kind: str, value: int) -> str:
    return size_text(value) if kind == "memory" else str(value)

"""Finds a node of a deployed domain by its name."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

from soop_components.engine import Engine
from soop_components.engine.checkpoints import DamagedState
from soop_components.engine.state import StackState
from soop_components.errors import SoopError
from soop_components.model.names import NodeName, did_you_mean
from soop_components.transport.ssh import Target

_PARALLEL = 4


class FoundNode(NamedTuple):
    """A node, and what opens it."""

    target: Target
    private_key: str
    units: tuple[str, ...]
    """The systemd units of its service."""
    logs: tuple[str, ...]
    """The log files of its service."""


def full_name(name: str, known: Iterable[str]) -> str:
    """Return the one known name that ``name`` is or begins: ``web-1`` means ``web-1.access-service.dev-access``."""
    names = sorted(known)
    whole_words = [each for each in names if each == name or each.startswith(f"{name}.")]
    matches = whole_words or [each for each in names if name and each.startswith(name)]
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise SoopError(f"{name} may be any of {len(matches)} nodes", "it is one of " + ", ".join(matches))
    if not names:
        raise SoopError(f"there is no node {name}: nothing is deployed")
    hint = did_you_mean(name, [*names, *(NodeName.parse(each).short for each in names)])
    raise SoopError(f"there is no node {name}", hint or "there are " + ", ".join(names))


def find_node(engine: Engine, name: str) -> FoundNode:
    """Return the node that ``name`` is or begins."""
    stacks = engine.stacks()
    candidates = [each for each in stacks if name.endswith(f".{each}")] or stacks
    with ThreadPoolExecutor(_PARALLEL) as pool:
        states = list(pool.map(partial(_state, engine), candidates))
    if len(states) == 1 and isinstance(states[0], DamagedState):
        raise states[0]
    nodes = {node.name: node for state in states if isinstance(state, StackState) for node in state.nodes}
    node = nodes[full_name(name, nodes)]
    key = engine.state(NodeName.parse(node.name).domain, show_secrets=True).private_key
    if key is None:
        raise SoopError(f"the state has no SSH key for {node.name}", "run `pulumi up` for its domain")
    return FoundNode(node.target, key, node.units, node.logs)


def _state(engine: Engine, id: str) -> StackState | DamagedState:
    try:
        return engine.state(id)
    except DamagedState as error:
        return error

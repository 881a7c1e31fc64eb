"""Inputs of a Release as previews compare them: without addresses and secrets, which are not known or not shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from soop_components.model.service_plan import ServicePlan
from soop_components.release.inputs import ReleaseInputs

_PLACE = {"address": "", "hostKey": ""}
"""Stands for the place of every node."""


def of_properties(properties: Mapping[str, Any]) -> ReleaseInputs:
    """Return the inputs out of Pulumi's properties, of which only the nodes' places and the secrets may be unknown."""
    nodes = {name: {**node, "place": _PLACE} for name, node in properties["nodes"].items()}
    neighbours = properties.get("neighbours")
    names = neighbours if isinstance(neighbours, Mapping) else {}
    without = {"nodes": nodes, "neighbours": dict.fromkeys(names, ""), "secrets": {}, "privateKey": ""}
    return ReleaseInputs.parse({**properties, **without})


def of_plan(plan: ServicePlan, base: str) -> ReleaseInputs:
    """Return the inputs out of a plan."""
    shape = plan.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    nodes = {name: {"role": node.role, "number": node.number} for name, node in plan.nodes.items()}
    tests = shape.get("smoke_tests", [])
    more = {"smokeTests": tests, "endpoints": shape.get("endpoints", {}), "base": base}
    return of_properties({**shape, "nodes": nodes, **more})


def places(properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the places of nodes that are known: of machines that exist."""
    nodes = properties.get("nodes", {})
    found = {name: node.get("place") for name, node in nodes.items()} if isinstance(nodes, Mapping) else {}
    return {name: place for name, place in found.items() if isinstance(place, Mapping)}

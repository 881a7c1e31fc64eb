"""What templates of a component's block can use."""

from __future__ import annotations

from soop_components.artifact.definition import ResolvedDefinition
from soop_components.planning.parameters import parameters
from soop_components.planning.place import Place
from soop_components.planning.scope import Scope, component_scope


def inside(resolved: ResolvedDefinition, role: str, name: str, scope: Scope, where: Place) -> Scope:
    """Return what templates of a component's block can use."""
    component, packed = resolved.definition.components[name], resolved.components[name]
    around = component_scope(scope, role, name)
    paths = [*packed.files, *packed.links]
    return {**around, "params": parameters(resolved.blocks[component.uses], component.with_, around, where, paths)}

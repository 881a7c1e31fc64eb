"""What machines of Hosts take of a capacity that are there without a definition of their domain, by states in a folder.

Other places of states are not asked, since that takes longer than all the rest of a plan.
"""

from __future__ import annotations

from soop_components.engine.checkpoints import Checkpoints
from soop_components.machines.host import HOST
from soop_components.model.capacity import Demand
from soop_components.model.names import environment_of
from soop_components.model.size import bytes_of
from soop_components.project import Project


def existing(project: Project, environment: str) -> dict[str, Demand]:
    """Return what each domain of an environment takes that nobody defines any more."""
    folder = project.folder_of(project.backend)
    if folder is None:
        return {}
    checkpoints = Checkpoints(folder, project.pulumi_yaml("name") or "")
    gone = [id for id in checkpoints.stacks() if environment_of(id) == environment and id not in project.domain_ids()]
    found = {id: sum(map(_demand, checkpoints.inputs(id, HOST)), Demand()) for id in gone}
    return {id: demand for id, demand in found.items() if demand != Demand()}


def _demand(inputs: dict[str, object]) -> Demand:
    """Return what a machine takes; one of which the state says something else is a node."""
    spec = inputs.get("spec")
    try:
        return Demand(1, int(spec["cpus"]), bytes_of(spec["memory"])) if isinstance(spec, dict) else Demand(1)
    except (KeyError, ValueError, TypeError):
        return Demand(1)

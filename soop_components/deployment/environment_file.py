"""An environment's file: its kind of machines says which settings it may have."""

from __future__ import annotations

from pathlib import Path

from soop_components.machines.kinds import KINDS, kind_in, kind_of, unknown_kind
from soop_components.model.environment import Environment
from soop_components.model.names import environment_of
from soop_components.model.problem import Problem
from soop_components.project import Project
from soop_components.reading.loader import load_model
from soop_components.reading.yaml_file import read_yaml


def load_environment(path: Path, label: str) -> Environment:
    """Load an environment; the file's name is the environment's. ``InvalidInput`` has all mistakes."""
    document = read_yaml(path, label)
    if document.data is None:
        document.data = {}
    model = Environment
    if isinstance(document.data, dict):
        if "name" in document.data:
            document.problems.append(f"{label}: name: the file's name is the environment's name; leave it out")
        document.data["name"] = path.stem
        kind = kind_in(document.data)
        model = kind_of(kind).environment() if isinstance(kind, str) and kind in KINDS else Environment
    return load_model(model, document, label, _kind_problems)


def environment_of_domain(project: Project, id: str) -> Environment:
    """Load the environment of a domain that is deployed; one with defaults if its file is gone."""
    name = environment_of(id)
    path = project.environments / f"{name}.yaml"
    return load_environment(path, project.name_of(path)) if path.exists() else Environment(name=name)


def _kind_problems(environment: Environment) -> list[Problem]:
    if environment.machines not in KINDS:
        return [Problem(("machines",), unknown_kind(environment.machines))]
    return list(kind_of(environment.machines).settings_problems(environment))

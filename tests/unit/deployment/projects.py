"""Projects with environments and domain definitions, and the plans of their domains."""

from __future__ import annotations

import pytest

from soop_components.deployment.domain_plan import load_domain_plan
from soop_components.errors import InvalidInput
from soop_components.model.service_plan import DomainPlan
from soop_components.project import Project

GREETING = "greeting-service-1.0.0"
"""By default 3 nodes: two for the role web, one for the role time."""


def environment(project: Project, name: str, text: str) -> None:
    project.environments.mkdir(parents=True, exist_ok=True)
    (project.environments / f"{name}.yaml").write_text(text)


def define(project: Project, domain: str, *services: str) -> None:
    """Write a domain definition."""
    lines = "".join(f"    - {{service: {service}}}\n" for service in services)
    text = f"config:\n  soop:environment: {domain.split('-')[0]}\n  soop:services:\n{lines}"
    project.domain_file(domain).write_text(text)


def plan(project: Project, domain: str, **nodes: int) -> DomainPlan:
    services = [{"service": GREETING, "nodes": nodes}]
    name = domain.split("-")[0]
    return load_domain_plan(project, domain, environment=name, services=services, optional={}, secret_names={})


def refused(project: Project, domain: str, **nodes: int) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        plan(project, domain, **nodes)
    return caught.value

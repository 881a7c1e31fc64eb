"""What tests of deployments have in common."""

from __future__ import annotations

import pytest

from soop_components.artifact.store import Store
from soop_components.project import Project
from tests.unit.deployment.projects import environment


@pytest.fixture
def built(locked: Project, store: Store) -> Project:
    """A project with an environment, and with what it deploys in its store."""
    environment(locked, "dev", "capacity: {nodes: 8, cpus: 16, memory: 8GiB}\n")
    return locked

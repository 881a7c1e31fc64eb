"""Two services in one domain, for all scenarios of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.beside import untouched_beside
from tests.scenarios.gateway.gate import DOMAIN
from tests.scenarios.workspace import Workspace, workspace


@pytest.fixture(scope="package")
def domain() -> Iterator[Workspace]:
    """Both services in a new domain, by their names and versions alone."""
    with workspace("gateway") as project:
        project.must("soop", "build", "service_defs/access-service")
        project.must("soop", "build", "service_defs/gateway-service")
        project.must("soop", "deploy", "--yes", "gateway-service-1.2.3", "access-service-3.2.3", DOMAIN)
        with untouched_beside(project):
            yield project

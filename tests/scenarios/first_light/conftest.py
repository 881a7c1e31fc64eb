"""One project for the scenarios of a first domain and of a second one beside it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.workspace import Workspace, workspace


@pytest.fixture(scope="package")
def project() -> Iterator[Workspace]:
    """A project with what is shipped, built."""
    with workspace("first-light") as made:
        made.must("soop", "build", "service_defs/access-service")
        made.must("soop", "build", "service_defs/gateway-service")
        yield made

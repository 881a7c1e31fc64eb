"""Ground for trouble: one project with two domains; a scenario makes trouble in one, the other must not notice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest

from tests.scenarios.trouble.beacon import ONE, OTHER, Beacon, furnish
from tests.scenarios.workspace import Workspace, workspace

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def project() -> Iterator[Workspace]:
    """A project with the beacon service."""
    with workspace("trouble") as made:
        furnish(made)
        yield made


@pytest.fixture(scope="session")
def domains(project: Workspace) -> tuple[Beacon, Beacon]:
    """Two domains, up and running."""
    one, other = Beacon(project, ONE), Beacon(project, OTHER)
    one.define(2, says="all is well")
    other.define(1, says="all is well here")
    one.deploy()
    other.deploy()
    one.settled = True
    return one, other


@pytest.fixture
def beacon(domains: tuple[Beacon, Beacon]) -> Iterator[Beacon]:
    """A domain that is well; after the scenario the next good run makes it so, and the other domain noticed nothing."""
    one, other = domains
    before = other.since()
    yield one
    if not one.settled:
        says = f"all is well again, {next(_NUMBERS)}"
        one.define(2, says=says)
        one.deploy()
        one.is_well(says)
    assert other.since() == before

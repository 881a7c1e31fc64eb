"""The service of these scenarios, in a project of its own."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from soop_components.build.program_folder import program_of
from tests.scenarios.beside import untouched_beside
from tests.scenarios.migrations.ledger import DOMAIN, GOOD, NODE, Ledger
from tests.scenarios.migrations.upgrades import Upgrades
from tests.scenarios.workspace import CHECKOUT, workspace


@pytest.fixture(scope="session")
def ledger() -> Iterator[Ledger]:
    """The service, up and running; the program that migrates is on the node for trials in a database of their own."""
    with workspace("migrations") as project:
        made = Ledger(project)
        made.write(GOOD)
        project.must("soop", "build", "service_defs/ledger-service")
        project.must("soop", "deploy", "--yes", "ledger-service-1.0.0", DOMAIN)
        program = base64.b64encode(program_of(CHECKOUT / "soop_components/library/postgresql/migrate")).decode()
        project.sh(NODE, f"echo {program} | base64 -d > /tmp/migrate; chmod 755 /tmp/migrate")
        yield made


@pytest.fixture(scope="module")
def beside(ledger: Ledger) -> Iterator[None]:
    """Watch a domain beside it meanwhile; where upgrades fail or are killed, nobody notices anything there."""
    with untouched_beside(ledger.project):
        yield


@pytest.fixture(scope="session")
def upgrades(ledger: Ledger) -> Upgrades:
    """Upgrades of it."""
    return Upgrades(ledger)

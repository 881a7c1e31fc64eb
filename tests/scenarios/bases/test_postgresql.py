"""A database moves from PostgreSQL 15 to 17 with its base image, and back when the new version is not accepted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.bases.vault import DOMAIN, NODE, Vault
from tests.scenarios.workspace import eventually, workspace


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """The service with PostgreSQL 15, up and running."""
    with workspace("postgresql") as project:
        made = Vault(project)
        project.must("soop", "deploy", "--yes", made.build("1.0.0", "debian-12"), DOMAIN)
        made.fill()
        yield made


def test_a_database_goes_back_to_the_older_server_with_its_rows_when_the_new_version_is_not_accepted(
    vault: Vault,
) -> None:
    project = vault.project
    facts = vault.facts()
    assert vault.version() == "15"

    bad = vault.build("1.1.0", "debian-13", tried="echo out of luck; exit 1")
    said = project.must("soop", "plan", bad, DOMAIN)
    assert "store's data (database) moves from postgresql-15 to postgresql-17" in said
    assert "vault-service: snapshots first, of database-1" in said
    with vault.writing() as acknowledged:
        eventually(lambda: len(acknowledged) >= 5, 60)
        before = set(acknowledged)
        said = project.fails("soop", "deploy", "--yes", bad, DOMAIN)
        assert "out of luck" in said, "the new machine has read the data"
        assert f"rolled back to the last good version: {NODE}" in said
        assert vault.version() == "15"
    assert before <= vault.rows()
    assert vault.facts() == facts

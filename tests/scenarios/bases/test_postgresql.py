"""A database moves from PostgreSQL 15 to 17 with its base image, and back when the new version is not accepted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scenarios.bases.vault import DOMAIN, HOLD, NODE, Vault
from tests.scenarios.trouble.beacon import UP, Run
from tests.scenarios.workspace import eventually, workspace

OLDER = "vault-service-1.0.0"


@pytest.fixture(scope="module")
def vault() -> Iterator[Vault]:
    """The service with PostgreSQL 15, up and running."""
    with workspace("postgresql") as project:
        made = Vault(project)
        project.must("soop", "deploy", "--yes", made.build("1.0.0", "debian-12"), DOMAIN)
        made.fill()
        yield made


def is_held(vault: Vault, run: Run) -> bool:
    """Return whether the restore waits; a run that has ended does not get there any more."""
    assert run.process.poll() is None, run.text
    return vault.is_restoring()


def test_a_database_stays_what_it_was_when_the_new_version_is_not_accepted(vault: Vault) -> None:
    project, facts = vault.project, vault.facts()
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


def test_it_moves_with_all_rows_also_after_a_kill(vault: Vault) -> None:
    project, facts = vault.project, vault.facts()
    good = vault.build("1.1.1", "debian-13")
    vault.hold(True)
    with vault.writing() as acknowledged:
        eventually(lambda: len(acknowledged) >= 5, 60)
        stack = project.root / f"stacks/Pulumi.{DOMAIN}.yaml"
        stack.write_text(stack.read_text().replace("vault-service-1.0.0", good))
        run = Run(project, *UP, "--stack", DOMAIN)
        eventually(lambda: is_held(vault, run), 600)
        node = vault.node
        run.kill()
        node.sh(f"pkill -KILL -f '[/]var/lib/soop/runner/'; rm -f {HOLD}")
        run.end()
        eventually(project.is_quiet, 300)
        vault.hold(False)  # a snapshot that was restored meanwhile has it
        project.must("soop", "deploy", "--yes", good, DOMAIN)
        done = len(acknowledged)
        eventually(lambda: len(acknowledged) > done, 60)
    assert vault.version() == "17"
    assert set(acknowledged) <= vault.rows()
    assert vault.facts() == facts
    assert vault.node.sh("ls /var/lib/postgresql") == "17"
    assert project.changes(DOMAIN) == {}


def test_it_goes_back_to_what_was_there_before_the_move_when_somebody_says_so(vault: Vault) -> None:
    project, facts = vault.project, vault.facts()
    newer = vault.rows()
    said = project.fails("soop", "plan", OLDER, DOMAIN)
    assert f"{OLDER} cannot read the data that is there, since store's is of postgresql-17" in said
    word = ("--lose-data", "snapshot", OLDER, DOMAIN)
    said = project.must("soop", "plan", *word)
    assert f"{NODE}: gets what the snapshot {OLDER}.before-1.1.1 kept; what was written since" in said
    project.must("soop", "deploy", "--yes", *word)
    assert vault.version() == "15"
    assert vault.node.sh("ls -d /var/lib/postgresql/1*") == "/var/lib/postgresql/15"
    assert vault.facts() == facts
    older = vault.rows()
    assert older == {number for number in newer if number <= max(older)}
    assert project.changes(DOMAIN) == {}

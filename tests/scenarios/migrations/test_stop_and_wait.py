"""An upgrade that cannot be undone and is not accepted: what its preview said is what happens, and nothing is lost."""

from __future__ import annotations

import pytest

from tests.scenarios.migrations.ledger import DOMAIN
from tests.scenarios.migrations.on_node import writing
from tests.scenarios.migrations.upgrades import Upgrades, migration, version_of, version_on

pytestmark = pytest.mark.usefixtures("beside")


def test_nodes_stay_as_they_are_until_a_version_that_runs_on_the_schema_is_deployed(upgrades: Upgrades) -> None:
    project, nodes = upgrades.project, (upgrades.clerk, upgrades.database)
    before = version_on(upgrades.clerk, "accepted")
    reference = upgrades.build(irreversible=True)
    after = version_of(reference)
    because = f"{migration(reference)}_made (database) is irreversible"
    shown = project.must("soop", "plan", reference, DOMAIN)
    assert f"{because}: ledger-service-{before} does not run on its result" in shown
    assert "nothing is rolled back, and nodes stay as they are until a version that runs on it is deployed" in shown

    upgrades.database.sql("TRUNCATE rows")
    with writing(upgrades.database) as acknowledged:
        upgrades.clerk.sh("touch /run/fail-smoke")
        said = project.fails("soop", "deploy", "--yes", reference, DOMAIN)
        upgrades.clerk.sh("rm /run/fail-smoke")
        assert f"{reference} was not accepted: smoke test 'it can be tried out'" in said
        assert f"not rolled back: {because}, and ledger-service-{before} does not run on its result" in said
        assert f"nodes stay as they are: deploy {reference} again, or a version with the fix" in said
        assert "  rolled back to the last good version" not in said
        assert upgrades.versions() == [after, after]
        assert [version_on(node, "accepted") for node in nodes] == [before, before]
        assert project.service(DOMAIN, "ledger-service")["version"] == before

        project.must("soop", "deploy", "--yes", reference, DOMAIN)
    assert [version_on(node, "accepted") for node in nodes] == [after, after]
    found = upgrades.database.sql("SELECT string_agg(n::text, ' ' ORDER BY n) FROM rows").split()
    assert acknowledged
    assert set(map(str, acknowledged)) <= set(found)
    assert project.changes(DOMAIN) == {}

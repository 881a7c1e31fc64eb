"""SIGKILL of engine, provider or runner in the middle of an upgrade: the next run converges, and no row is lost."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.scenarios.migrations.ledger import DOMAIN
from tests.scenarios.migrations.on_node import writing
from tests.scenarios.migrations.upgrades import SIZE, Upgrades, migration, version_of, version_on

pytestmark = pytest.mark.usefixtures("beside")
VICTIMS = ("engine", "provider", "runner")
Recorder = Callable[[str, object], None]
POINTS = {
    "blobs": "engine",
    "apply": "runner",
    "migration": "runner",
    "switched": "provider",
    "acceptance": "engine",
    "rollback": "provider",
}
"""Where, and who is killed there in each run of the tests; others are killed in the soak."""


def killed(upgrades: Upgrades, point: str, victim: str) -> list[str]:
    """Kill somebody at a point of an upgrade, and go on; return a line of the table."""
    began = time.monotonic()
    before = version_on(upgrades.clerk, "running")
    reference = upgrades.build(size=SIZE if point == "blobs" else 0)
    after = version_of(reference)
    upgrades.database.sql("TRUNCATE rows")
    with writing(upgrades.database) as acknowledged:
        try:
            code = upgrades.kill(victim, upgrades.until(point, reference))
        finally:
            upgrades.clear()
        ran = " ".join({before: "old", after: "new"}[version] for version in upgrades.versions())
        upgrades.project.must("soop", "deploy", "--yes", reference, DOMAIN)
    assert upgrades.versions() == [after, after]
    assert [version_on(node, "accepted") for node in (upgrades.clerk, upgrades.database)] == [after, after]
    assert upgrades.database.sql(f"SELECT count(*) FROM schema_migrations WHERE number = {migration(reference)}") == "1"
    found = upgrades.database.sql("SELECT string_agg(n::text, ' ') FROM rows").split()
    lost = set(map(str, acknowledged)) - set(found)
    rows = f"{len(acknowledged)} acknowledged, {len(lost)} lost"
    assert not lost
    assert acknowledged
    return [point, victim, str(code), ran, rows, f"{time.monotonic() - began:.0f} s"]


@pytest.mark.parametrize("point", POINTS)
def test_at_each_point(upgrades: Upgrades, point: str, record_property: Recorder) -> None:
    line = killed(upgrades, point, POINTS[point])
    record_property("kill", line)
    _, _, code, ran, *_ = line
    assert code != "0"
    assert ran == ("new new" if point in ("switched", "acceptance") else "old old")


def test_nothing_is_left_to_do(upgrades: Upgrades) -> None:
    assert upgrades.project.changes(DOMAIN) == {}


@pytest.mark.soak
@pytest.mark.parametrize("number", range(20))
@pytest.mark.parametrize("point", POINTS)
def test_twenty_times_at_each_point(upgrades: Upgrades, point: str, number: int, record_property: Recorder) -> None:
    record_property("kill", killed(upgrades, point, VICTIMS[number % 3]))

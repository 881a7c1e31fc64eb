"""Snapshots of a database's disk while somebody writes: taken before an upgrade, and restored."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import pytest

from tests import versions
from tests.scenarios.meanwhile import granting
from tests.scenarios.workspace import Workspace, get, workspace

DOMAIN = "dev-kept"
DATABASE = f"database-1.access-service.{DOMAIN}"
LABEL = "access-service-3.2.3.before-3.3.0"


@pytest.fixture(scope="module")
def domain() -> Iterator[Workspace]:
    """One web node and a database, in an environment that wants snapshots before upgrades; 3.3.0 is built."""
    with workspace("snapshots") as project:
        environment = project.root / "stacks/environments/dev.yaml"
        settings = "{protect_stateful: false, snapshots: {before_upgrade: true, keep: 2}}"
        environment.write_text(environment.read_text().replace("{protect_stateful: false}", settings))
        project.must("soop", "build", "service_defs/access-service")
        for version in ("3.2.4", "3.3.0"):
            versions.make(project.root, f"access-service-{version}")
        project.must("soop", "build", "service_defs/access-service")
        (project.root / f"stacks/Pulumi.{DOMAIN}.yaml").write_text(
            "config:\n  soop:environment: dev\n  soop:services:\n"
            "    - service: access-service-3.2.3\n      nodes: {web: 1}\n"
        )
        project.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
        yield project


def sql(project: Workspace, text: str) -> list[str]:
    return project.ssh(DATABASE, f"cd /; runuser -u postgres -- psql -qAtX -d access -c {shlex.quote(text)}").split()


def written(project: Workspace) -> set[str]:
    return set(sql(project, "SELECT article FROM grants WHERE reader = 'writer'"))


def test_an_upgrade_takes_a_snapshot_and_loses_nothing_and_a_restore_loses_what_it_says(domain: Workspace) -> None:
    (url,) = domain.service(DOMAIN)["endpoints"]["http"]
    assert f"{DATABASE}: by-hand, " in domain.must("soop", "snapshot", "create", DOMAIN, "--label", "by-hand")
    with granting(url, "writer", pause=0) as (acknowledged, _):
        while len(acknowledged) < 20:
            assert get(f"{url}/health")[0] == 200
        before = set(acknowledged)
        domain.must("soop", "deploy", "--yes", "access-service-3.3.0", DOMAIN)
    kept = written(domain)
    assert kept >= set(acknowledged), "every acknowledged row is there"
    listed = domain.must("soop", "snapshot", "list", DOMAIN)
    assert [line.split()[1] for line in listed.splitlines()[1:]] == [LABEL, "by-hand"]

    refused = domain.fails("soop", "snapshot", "restore", DOMAIN, LABEL)
    assert f"{DATABASE}: what was written in the last " in refused
    assert written(domain) == kept
    said = domain.must("soop", "snapshot", "restore", DOMAIN, LABEL, "--lose-data")
    assert f"{DATABASE}: access-service-3.3.0 runs on the data of access-service-3.2.3" in said
    domain.ssh(DATABASE, "systemctl start postgresql@15-main")  # waits until it has recovered
    assert before <= written(domain) < kept
    assert sql(domain, "SELECT max(number) FROM schema_migrations") == ["2"]

    status = domain.must("soop", "status", "--refresh", DOMAIN)
    assert "script store/migrations: has not run for what is on the disk now" in status
    domain.up(DOMAIN)
    assert sql(domain, "SELECT max(number) FROM schema_migrations") == ["3"]
    assert get(f"{url}/grants/somebody/1?seconds=60", "PUT")[0] == 204
    assert before <= written(domain) < kept
    assert domain.changes(DOMAIN) == {}
    assert f"removed by-hand of {DATABASE}" in domain.must("soop", "snapshot", "prune", DOMAIN, "--keep", "1")

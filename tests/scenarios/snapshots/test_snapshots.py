"""Snapshots of a database's disk while somebody writes: taken before an upgrade, and restored."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

import pytest

from tests import versions
from tests.scenarios.beside import untouched_beside
from tests.scenarios.meanwhile import granting
from tests.scenarios.workspace import Workspace, eventually, get, workspace

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
        with untouched_beside(project):
            yield project


def sql(project: Workspace, text: str) -> list[str]:
    return project.sh(DATABASE, f"cd /; runuser -u postgres -- psql -qAtX -d access -c {shlex.quote(text)}").split()


def written(project: Workspace, reader: str = "writer") -> set[str]:
    return set(sql(project, f"SELECT article FROM grants WHERE reader = '{reader}'"))


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

    with granting(url, "mover", pause=0) as (acknowledged, _):
        said = domain.must("soop", "replace", "--yes", DATABASE)
        replaced = len(acknowledged)
        eventually(lambda: len(acknowledged) > replaced, 120)
    assert "making its machine anew from debian-12" in said
    assert written(domain, "mover") >= set(acknowledged), "every acknowledged row is there"
    assert written(domain) == kept
    assert domain.must("soop", "snapshot", "list", DOMAIN) == listed

    refused = domain.fails("soop", "snapshot", "restore", DOMAIN, LABEL)
    assert f"{DATABASE}: what was written in the last " in refused
    assert written(domain) == kept
    said = domain.must("soop", "snapshot", "restore", DOMAIN, LABEL, "--lose-data")
    assert f"{DATABASE}: access-service-3.3.0 runs on the data of access-service-3.2.3" in said
    domain.sh(DATABASE, "systemctl start postgresql@15-main")  # waits until it has recovered
    assert before <= written(domain) < kept
    assert sql(domain, "SELECT max(number) FROM schema_migrations") == ["2"]

    (status,) = json.loads(domain.must("soop", "status", "--refresh", "--json", DOMAIN))
    drift = status["services"]["access-service"]["nodes"][DATABASE]["drift"]
    assert "script store/migrations: has not run for what is on the disk now" in drift
    domain.up(DOMAIN)
    assert sql(domain, "SELECT max(number) FROM schema_migrations") == ["3"]
    assert get(f"{url}/grants/somebody/1?seconds=60", "PUT")[0] == 204
    assert before <= written(domain) < kept
    assert domain.changes(DOMAIN) == {}
    assert f"removed by-hand of {DATABASE}" in domain.must("soop", "snapshot", "prune", DOMAIN, "--keep", "1")

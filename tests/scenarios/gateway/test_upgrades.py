"""Upgrades, good and bad, and ways back, while users ask and write."""

from __future__ import annotations

import time

import pytest

from tests import versions
from tests.scenarios.gateway.gate import DOMAIN, define, entrance, granted, seen, sql
from tests.scenarios.meanwhile import asking, granting, under_load
from tests.scenarios.workspace import Workspace, get


def test_upgrades_and_a_downgrade_go_unnoticed_and_lose_nothing(domain: Workspace) -> None:
    """The program alone, then a schema that serves both, then back to the program that does not know it."""
    for reference in ("access-service-3.2.4", "access-service-3.3.0"):
        versions.make(domain.root, reference)
        domain.must("soop", "build", "service_defs/access-service")
    url = entrance(domain)
    define(domain, "access-service-3.2.3")
    domain.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    with under_load(f"{url}/access/ann/42") as answers, granting(url, "upgraded") as (acknowledged, others):
        for reference in ("access-service-3.2.4", "access-service-3.3.0", "access-service-3.2.4"):
            domain.must("soop", "deploy", "--yes", reference, DOMAIN)
            assert f"access-service-{get(f'{url}/health')[1]['version']}" == reference
            if reference == "access-service-3.3.0":
                assert get(f"{url}/grants/ben/7?seconds=0", "PUT")[0] == 204
                assert get(f"{url}/access/ben/7") == (200, {"allowed": False})
    assert (answers.failed, others) == ({}, [])
    assert get(f"{url}/grants/upgraded") == (200, {"articles": acknowledged})
    assert domain.changes(DOMAIN) == {}


def test_bad_versions_end_on_the_last_good_one_and_nobody_notices(
    domain: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    url, running, good = entrance(domain), domain.service(DOMAIN), seen(domain)[0]
    with asking(f"{url}/access/ann/42") as answers, granting(url, "endured") as (acknowledged, others):
        for fault in versions.FAULTS:
            with versions.bad(domain.root, fault) as reference:
                domain.must("soop", "build", "service_defs/access-service")
            begun = time.monotonic()
            said = domain.fails("soop", "deploy", "--yes", reference, DOMAIN)
            with capsys.disabled():
                print(f"\n{reference}: back on {good['access-service']} after {time.monotonic() - begun:.1f} s")
            assert f"{reference} was not accepted" in said
            assert domain.service(DOMAIN) == running
    assert seen(domain)[0] == good
    assert (set(answers), others) == ({200}, [])
    assert get(f"{url}/grants/endured") == (200, {"articles": acknowledged})
    assert domain.changes(DOMAIN) == {}


def test_a_password_of_the_database_is_rotated_unnoticed(domain: Workspace) -> None:
    """The login of the new one is there before a program uses it, and that of the old one stays for a day."""

    def logins(what: str) -> list[str]:
        return sql(
            domain, f"SELECT {what} FROM pg_roles WHERE rolcanlogin AND rolname ~ '^access_' ORDER BY rolvaliduntil"
        )

    url, (before,) = entrance(domain), logins("rolname")
    with asking(f"{url}/access/ann/42") as answers, granting(url, "rotated") as (acknowledged, others):
        domain.must("soop", "rotate", DOMAIN, "access-service.database_password")
    assert (set(answers), others) == ({200}, [])
    old, new = logins("rolname")
    assert old == before != new
    assert logins("rolvaliduntil BETWEEN now() + '1 hour' AND now() + '1 day'") == ["t", "f"]
    assert granted(domain, "rotated") == acknowledged
    assert domain.changes(DOMAIN) == {}


def test_a_version_that_cannot_be_undone_goes_back_to_its_snapshot_when_somebody_says_so(domain: Workspace) -> None:
    stack = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    wanted = "nodes: {web: 3}\n      rollout: {database: {snapshot: true}}"
    stack.write_text(stack.read_text().replace("nodes: {web: 3}", wanted))
    url = entrance(domain)
    versions.make(domain.root, "gateway-service-1.3.0")
    domain.must("soop", "build", "service_defs/gateway-service")
    domain.must("soop", "deploy", "--yes", "access-service-3.3.0", "gateway-service-1.3.0", DOMAIN)
    assert get(f"{url}/grants/eva/1", "PUT")[0] == 204
    versions.make(domain.root, "access-service-3.4.0")
    with versions.bad(domain.root, "wrong") as bad:
        domain.must("soop", "build", "service_defs/access-service")
    domain.must("soop", "build", "service_defs/access-service")
    said = domain.fails("soop", "deploy", "--yes", bad, DOMAIN)
    assert "rolled back to the last good version: database-1" in said
    assert get(f"{url}/grants/eva") == (200, {"articles": ["1"]})
    domain.must("soop", "deploy", "--yes", "access-service-3.4.0", DOMAIN)
    assert get(f"{url}/grants/eva") == (200, {"articles": ["1"]})
    assert get(f"{url}/grants/eva/2", "PUT")[0] == 204
    newer = stack.read_text()
    stack.write_text(newer.replace("access-service-3.4.0", "access-service-3.3.0"))
    said = domain.fails("pulumi", "preview", "--non-interactive", "--stack", DOMAIN)
    assert "store's 004_hashed_readers is irreversible" in said
    assert "`lose_data: {from: 3.4.0, to: 3.3.0, by: snapshot}`" in said
    stack.write_text(newer)
    said = domain.must("soop", "deploy", "--yes", "--lose-data", "snapshot", "access-service-3.3.0", DOMAIN)
    assert get(f"{url}/grants/eva") == (200, {"articles": ["1"]})
    assert seen(domain)[0] == {"access-service": "3.3.0", "gateway-service": "1.3.0"}
    assert domain.changes(DOMAIN) == {}
    said = domain.fails("soop", "deploy", "--yes", "access-service-3.2.4", DOMAIN)
    assert "gateway-service-1.3.0 requires access-service" in said

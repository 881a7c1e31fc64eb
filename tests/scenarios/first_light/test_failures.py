"""A version that fails is not accepted: nodes run the last good one again, state and outputs say so."""

from __future__ import annotations

import json

import pytest

from tests.scenarios.meanwhile import under_load
from tests.scenarios.workspace import Workspace, get

DOMAIN = "dev-one-access"
WEB = f"web-1.access-service.{DOMAIN}"


@pytest.fixture(scope="module")
def domain(project: Workspace) -> Workspace:
    """A developer's small domain, up and running."""
    project.must("soop", "deploy", "--yes", "access-service-3.2.3", DOMAIN)
    return project


BROKEN = {
    "smoke-test": ("smoke/grant_and_check.py", "import", "raise SystemExit('the reader may not read')\nimport"),
    "health": ("app/access.py", "from flask", "raise RuntimeError('cannot start')\nfrom flask"),
    "migration": (
        "migrations/003_broken.up.sql",
        None,
        "-- soop: irreversible\nDROP TABLE there_is_none;\n",
    ),
}
SAID = {
    "smoke-test": ["smoke test 'a granted reader may read'", "the reader may not read"],
    "health": ["step health", WEB, "RuntimeError: cannot start"],
    "migration": ["step scripts", f"database-1.access-service.{DOMAIN}", "there_is_none"],
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_a_bad_version_is_rolled_back(domain: Workspace, kind: str) -> None:
    reference = build_broken(domain, kind)
    stack = domain.root / f"stacks/Pulumi.{DOMAIN}.yaml"
    good = stack.read_text()
    url = domain.service(DOMAIN)["endpoints"]["http"][0]
    stack.write_text(good.replace("access-service-3.2.3", reference))
    try:
        output = domain.fails("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--stack", DOMAIN)
        for words in SAID[kind]:
            assert words in output
        assert f"{reference} was not accepted" in output
        assert "not rolled back" not in output
        assert domain.service(DOMAIN)["version"] == "3.2.3"
        assert get(f"{url}/health")[1]["version"] == "3.2.3"
        assert domain.changes(DOMAIN) == {"update": 1}
        check_history(domain, reference, kind)
    finally:
        stack.write_text(good)
    assert domain.changes(DOMAIN) == {}


def check_history(domain: Workspace, reference: str, kind: str) -> None:
    """See that what was rolled back, under a bare ``pulumi up``, is on record with its reason."""
    (last,) = json.loads(domain.must("soop", "history", "--json", "--limit", "1", DOMAIN))
    (service,) = last["services"]
    tried = f"{service['service']}-{service['version']}"
    assert (tried, service["before"], service["result"]) == (reference, "3.2.3", "rolled back")
    assert service["digest"].startswith("sha256:")
    assert "@" in last["who"]
    for words in SAID[kind]:
        assert words in service["reason"]


def build_broken(domain: Workspace, kind: str) -> str:
    """Build a development version with one mistake and return its reference."""
    return build_changed(domain, *BROKEN[kind])


def build_changed(domain: Workspace, path: str, old: str | None, new: str) -> str:
    """Build a development version in which one file differs, or is new, and return its reference."""
    file = domain.root / "service_defs/access-service" / path
    original = file.read_text() if old is not None else None
    file.write_text(original.replace(old, new, 1) if original is not None and old is not None else new)
    try:
        built = domain.must("soop", "build", "service_defs/access-service")
    finally:
        if original is None:
            file.unlink()
        else:
            file.write_text(original)
    (reference,) = {word for word in built.split() if word.startswith("access-service-3.2.4-dev.")}
    return reference


def test_one_web_node_refuses_nothing_while_it_is_upgraded_and_downgraded(domain: Workspace) -> None:
    """What connects while the program is restarted waits in the socket that systemd keeps open."""
    candidate = build_changed(domain, "app/access.py", '"the database does not answer"', '"the database is silent"')
    url = domain.service(DOMAIN)["endpoints"]["http"][0]
    before = domain.sh(WEB, "systemctl show --property=InvocationID access-service-api.service")
    for reference in (candidate, "access-service-3.2.3"):
        with under_load(f"{url}/access/ann/42") as answers:
            domain.must("soop", "deploy", "--yes", reference, DOMAIN)
        assert answers.failed == {}
        assert f"access-service-{get(f'{url}/health')[1]['version']}" == reference
    assert domain.sh(WEB, "systemctl show --property=InvocationID access-service-api.service") != before


def test_a_first_creation_by_name_and_version_that_fails_is_kept_and_can_be_tried_again(domain: Workspace) -> None:
    reference = build_broken(domain, "smoke-test")
    output = domain.fails("soop", "deploy", "--yes", reference, "dev-new-access")
    assert "the reader may not read" in output
    assert "3.2.3" not in domain.outputs("dev-new-access").get("services", {})
    domain.must("soop", "deploy", "--yes", "access-service-3.2.3", "dev-new-access")
    assert domain.service("dev-new-access")["version"] == "3.2.3"
    domain.must("soop", "destroy", "--yes", "dev-new-access")
    assert "dev-new-access" not in domain.must("pulumi", "stack", "ls")
    assert domain.changes(DOMAIN) == {}

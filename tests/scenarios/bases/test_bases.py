"""A domain moves from one base image to another, node by node, and back when the new version is not accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.scenarios.beside import untouched_beside
from tests.scenarios.ground import as_root
from tests.scenarios.trouble.beacon import REFERENCE, Beacon, furnish
from tests.scenarios.workspace import Workspace, workspace

BASE = "cat /etc/os-release | grep VERSION_ID; cat /var/lib/beacon-hooks"


@pytest.fixture(scope="module")
def project() -> Iterator[Workspace]:
    """A project with both base images, which `make test` has built."""
    with workspace("bases") as made:
        furnish(made)
        with untouched_beside(made):
            yield made


def built(project: Workspace, version: str, base: str) -> str:
    """Build the beacon service for a base image."""
    definition = project.root / "service_defs/beacon-service/service.yaml"
    text = definition.read_text().replace("version: 1.0.0", f"version: {version}")
    before = definition.read_text()
    definition.write_text(text.replace("base: debian-12", f"base: {base}"))
    try:
        project.must("soop", "lock", "service_defs/beacon-service")
        assert f'base: {{"name": "{base}"' in (definition.parent / "service.lock").read_text()
        project.must("soop", "build", "service_defs/beacon-service")
    finally:
        definition.write_text(before)
    return f"beacon-service-{version}"


def refreshed(project: Workspace, base: str) -> str:
    """Give a project another version of a base image, as `soop setup --refresh` does when packages are newer."""
    images, record = project.project.images, project.project.images / f"{base}.json"
    before, newest = json.loads(record.read_text())["digest"], f"sha256:{'e' * 64}"
    as_root("mv", str(images / base), str(images / f"{base}.{before[7:19]}"))
    as_root("cp", "-al", str(images / f"{base}.{before[7:19]}"), str(images / base))
    record.unlink()  # a link to that of the checkout
    record.write_text(json.dumps({"name": base, "digest": newest}))
    return newest


def digest_of(beacon: Beacon, number: int) -> str:
    """Return the digest of the image that a node's machine was made from."""
    (record,) = beacon.project.project.machines.glob(f"*/*/{beacon.name(number)}/machine.json")
    return str(json.loads(record.read_text())["image_digest"])


def is_not_accepted(beacon: Beacon, newer: str) -> None:
    """Deploy a version for another base that fails; all nodes get machines of the base before."""
    said = beacon.project.fails("soop", "deploy", "--yes", newer, beacon.domain)
    assert "rolled back to the last good version: web-1.beacon-service.dev-one, web-2.beacon-service.dev-one" in said
    beacon.reference = REFERENCE
    beacon.define(says="all is well")
    beacon.is_well("all is well")
    for number in (1, 2):
        assert 'VERSION_ID="12"' in beacon.sh(BASE, number)


def test_a_domain_moves_to_another_base_node_by_node_and_back_if_that_fails(project: Workspace) -> None:
    beacon = Beacon(project, "dev-one")
    beacon.define(2, says="all is well")
    beacon.deploy()
    newer = built(project, "1.1.0", "debian-13")

    beacon.define(says="all is well", trouble="smoke")
    is_not_accepted(beacon, newer)
    beacon.reference = newer
    beacon.define(says="all is well", trouble="smoke")
    beacon.begin().until("hook undrain", 400).kill()
    is_not_accepted(beacon, newer)

    shown = project.must("soop", "plan", newer, beacon.domain)
    assert "gets a new machine, and is configured anew; base image debian-13" in shown
    said = project.must("soop", "deploy", "--yes", newer, beacon.domain)
    assert said.index("hook undrain") < said.rindex("making its machine anew from debian-13"), "one after the other"
    for number in (1, 2):
        assert 'VERSION_ID="13"' in beacon.sh(BASE, number)
    beacon.says("all is well")
    assert beacon.changes() == {}

    newest = refreshed(project, "debian-13")
    as_root("kill", "-KILL", str(beacon.machine()))
    project.up(beacon.domain)
    assert digest_of(beacon, 1) == digest_of(beacon, 2) != newest, "machines go on with the image they were made from"
    project.must("soop", "replace", "--yes", beacon.domain)
    assert digest_of(beacon, 1) == digest_of(beacon, 2) == newest
    assert beacon.changes() == {}

"""What is the same in a state for as long as nobody updates it."""

from __future__ import annotations

import copy
import json
from typing import Any

from soop_components.engine.state_digests import resource_digests

SEALED = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:1"}
URN = "urn:pulumi:dev-one::p::soop:index:Domain$soop:index:Service$soop:index:Release::a-service"
RELEASE: dict[str, Any] = {
    "urn": URN,
    "type": "soop:index:Release",
    "modified": "2026-01-01",
    "inputs": {"version": "1.0.0", "secrets": {"password": SEALED}, "list": [SEALED]},
    "outputs": {"version": "1.0.0", "status": {"web-1": {"drift": []}}},
}
SERVICE = {"urn": "urn:pulumi:dev-one::p::soop:index:Service::a-service", "type": "soop:index:Service"}


def digests(*resources: dict[str, Any]) -> dict[str, str]:
    return resource_digests(json.dumps({"deployment": {"resources": resources}}))


def test_resources_are_named_and_those_that_repeat_others_are_left_out() -> None:
    assert list(digests(RELEASE, SERVICE)) == ["soop:index:Release a-service"]
    assert resource_digests(json.dumps({"deployment": None})) == {}


def test_a_refresh_that_finds_other_conditions_and_seals_secrets_anew_changes_nothing() -> None:
    refreshed = copy.deepcopy(RELEASE)
    refreshed["inputs"]["secrets"]["password"]["ciphertext"] = "v1:2"
    refreshed["outputs"]["status"] = {"web-1": {"drift": ["gone"]}}
    refreshed["propertyDependencies"] = {}
    assert digests(refreshed) == digests(RELEASE)


def test_an_update_changes_it() -> None:
    for changes in ({"modified": "2026-01-02"}, {"outputs": {"version": "1.0.1"}}, {"inputs": {"version": "1.0.1"}}):
        assert digests({**RELEASE, **changes}) != digests(RELEASE)

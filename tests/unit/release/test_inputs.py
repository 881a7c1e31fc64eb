"""What a release makes of its inputs: how long it waits for a node, what it shows, what a node is told."""

from __future__ import annotations

from typing import Any

import pytest

from soop_components.release.inputs import ReleaseInputs

PLACE = {"address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}


@pytest.mark.parametrize(("further", "patience"), [({}, 20), ({"patience": 300}, 300)])
def test_the_patience_of_a_place(further: dict[str, Any], patience: float) -> None:
    node = {"role": "web", "number": 1, "place": {**PLACE, **further}}
    inputs = {"service": "a", "version": "1.0.0", "digest": "", "neighbours": {}, "privateKey": "", "roles": {}}
    release = ReleaseInputs.parse({**inputs, "nodes": {"web-1": node}})
    assert release.nodes["web-1"].patience == patience
    assert (release.nodes["web-1"].target.port, release.nodes["web-1"].target.user) == (22, "root")


@pytest.mark.parametrize(
    ("planned", "shown"),
    [
        ("http://web-1:80", "http://10.0.0.1"),
        ("http://web-1:8080", "http://10.0.0.1:8080"),
        ("https://web-1:443", "https://10.0.0.1"),
        ("http://web-1:443", "http://10.0.0.1:443"),
        ("amqp://web-1:80", "amqp://10.0.0.1:80"),
        ("postgresql://web-1:5432", "postgresql://10.0.0.1:5432"),
    ],
)
def test_an_address_is_shown_with_its_scheme_and_a_port_that_is_not_the_usual_one(planned: str, shown: str) -> None:
    node = {"role": "web", "number": 1, "place": PLACE}
    inputs = {"service": "a", "version": "1.0.0", "digest": "", "neighbours": {}, "privateKey": "", "roles": {}}
    release = ReleaseInputs.parse({**inputs, "nodes": {"web-1": node}, "endpoints": {"main": [planned]}})
    assert release.endpoint_urls() == {"main": [shown]}


def test_migrations_are_known_and_no_part_of_a_nodes_document() -> None:
    migrations = [{"component": "store", "label": "003_expires_at", "kind": "contract"}]
    plain: dict[str, Any] = {"service": "a", "version": "1.0.0", "digest": "", "neighbours": {}, "privateKey": ""}
    plain["nodes"] = {"web-1": {"role": "web", "number": 1, "place": PLACE}}
    with_them = ReleaseInputs.parse({**plain, "roles": {"web": {"migrations": migrations}}})
    (found,) = with_them.roles["web"].migrations
    assert (found.number, found.name, found.kind) == (3, "expires_at", "contract")
    assert with_them.documents == ReleaseInputs.parse({**plain, "roles": {"web": {}}}).documents


def test_nodes_know_each_other_by_the_inner_address_and_endpoints_are_shown_by_the_outer_one() -> None:
    node = {"role": "web", "number": 1, "place": {**PLACE, "inside": "172.31.0.9"}}
    inputs = {"service": "a", "version": "1.0.0", "digest": "", "neighbours": {}, "privateKey": "", "roles": {}}
    release = ReleaseInputs.parse({**inputs, "nodes": {"web-1": node}, "endpoints": {"main": ["http://web-1:80"]}})
    assert release.hosts == {"web-1": "172.31.0.9"}
    assert release.endpoint_urls() == {"main": ["http://10.0.0.1"]}

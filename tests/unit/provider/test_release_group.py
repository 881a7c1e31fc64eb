"""What a group of releases compares, and what its releases record of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from soop_components.errors import SoopError
from soop_components.provider.diff import PropertyChange
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.release import ReleaseResource
from soop_components.provider.release_group import ReleaseGroupResource
from soop_components.provider.resource import Context
from soop_components.provider.rollouts import Rollouts
from soop_components.provider.wire import UNKNOWN, Properties, reveal
from soop_components.release.cancellation import Cancellation
from soop_components.release.inputs import ReleaseInputs
from soop_components.secret import Secret

CONTEXT = Context("urn:pulumi:dev::p::soop:index:Domain$soop:index:X::x", EngineProgress(None, ""), Cancellation())


class Recording(ReleaseGroupResource):
    """A group whose rollouts succeed; ``attempts`` is what they were of, and what came before."""

    attempts: Sequence[tuple[ReleaseInputs, ReleaseInputs | None]] = ()

    async def _roll_out(self, context: Context, attempts: Any) -> None:
        self.attempts = attempts


def service(name: str, version: str = "1.0.0", password: str = "first888") -> Properties:
    place = {"address": "10.0.0.1", "hostKey": "ssh-ed25519 AAAA"}
    return {
        "service": name,
        "version": version,
        "digest": f"sha256:{version}",
        "roles": {"web": {}},
        "nodes": {f"web-1.{name}.dev": {"role": "web", "number": 1, "place": place}},
        "neighbours": {},
        "secrets": Secret({"password": password}),
        "generated": {"password": 8},
        "privateKey": Secret("key"),
    }


def group(**versions: str) -> Properties:
    return {"services": {name: service(name, version) for name, version in versions.items()}, "order": list(versions)}


BEFORE = group(a="1.0.0", b="1.0.0")


def accepted(wanted: Properties = BEFORE, inputs: Properties | None = None, outputs: Properties | None = None) -> Any:
    """Return the outputs of a group that has accepted what is wanted, and the attempt."""
    resource = Recording(Rollouts())
    return asyncio.run(resource.update(CONTEXT, "x", inputs or {}, outputs or {}, wanted)), resource.attempts


def in_group(name: str, wanted: Properties, outputs: Properties) -> Properties:
    """Return the inputs of a release in a group that has these outputs."""
    return {**wanted["services"][name], "together": wanted["order"], "accepted": Secret(outputs["accepted"][name])}


def changes(outputs: Properties, wanted: Properties) -> dict[str, PropertyChange]:
    return dict(Recording(Rollouts()).diff(BEFORE, outputs, wanted).changes)


def test_a_group_shows_versions_and_else_what_differs() -> None:
    outputs, _ = accepted()
    assert changes(outputs, BEFORE) == {}
    assert changes(outputs, group(a="1.0.0", b="2.0.0")) == {'services["b"].version': PropertyChange.UPDATED}
    other = {**BEFORE["services"]["a"], "neighbours": {"x": "10.0.0.2"}}
    wanted = {**BEFORE, "services": {**BEFORE["services"], "a": other}}
    assert changes(outputs, wanted) == {'services["a"].neighbours.x': PropertyChange.ADDED}
    assert changes(outputs, {**BEFORE, "services": UNKNOWN}) == {"services": PropertyChange.UPDATED}


def test_one_that_was_never_accepted_is_tried_again_without_anything_before() -> None:
    assert changes({}, BEFORE)["accepted"] == PropertyChange.ADDED
    _, attempts = accepted(inputs=BEFORE)
    assert [previous for _, previous in attempts] == [None, None]


def test_an_update_knows_what_each_service_was_with_its_secrets() -> None:
    outputs, _ = accepted()
    wanted = group(a="2.0.0", b="1.0.0")
    wanted["services"]["b"]["secrets"] = Secret({"password": "refused8"})  # an earlier rotation that failed
    after, attempts = accepted(wanted, BEFORE, outputs)
    assert [(release.reference.version, release.secrets["password"]) for release, _ in attempts] == [
        ("2.0.0", "first888"),
        ("1.0.0", "first888"),
    ]
    assert [previous.reference.version for _, previous in attempts if previous] == ["1.0.0", "1.0.0"]
    assert after["accepted"]["b"]["since"] == outputs["accepted"]["b"]["since"]


def test_a_release_records_what_its_group_accepted_and_rolls_nothing_out() -> None:
    release = ReleaseResource(Rollouts())
    outputs, _ = accepted()
    recorded = asyncio.run(release.create(CONTEXT, in_group("a", BEFORE, outputs))).outputs
    assert (recorded["version"], reveal(recorded["acceptedSecrets"])) == ("1.0.0", {"password": "first888"})
    assert isinstance(recorded["acceptedSecrets"]["password"], Secret)
    assert "inputs" not in recorded
    after = group(a="2.0.0", b="2.0.0")
    outputs, _ = accepted(after, BEFORE, outputs)
    wanted = in_group("a", after, outputs)
    assert "version" in release.diff(BEFORE["services"]["a"], recorded, wanted).changes
    recorded = asyncio.run(release.update(CONTEXT, "a", BEFORE["services"]["a"], recorded, wanted))
    assert recorded["version"] == "2.0.0"
    assert release.diff(wanted, recorded, wanted).changes == {}


def test_the_artifacts_of_a_group_are_noted_once_and_stay_when_it_is_dissolved() -> None:
    """In the history of a domain."""
    outputs, _ = accepted()
    resource = Recording(Rollouts())
    deployed = [(name, "1.0.0", "sha256:1.0.0") for name in ("a", "b")]
    assert [tuple(each) for each in resource.artifacts(BEFORE)] == deployed
    assert [tuple(each) for each in resource.artifacts(outputs)] == deployed
    assert ReleaseResource(Rollouts()).artifacts(in_group("a", BEFORE, outputs)) == ()
    assert not resource.owns_artifacts


def test_a_release_whose_group_accepted_nothing_in_this_run_records_nothing() -> None:
    outputs, _ = accepted()
    wanted = in_group("a", group(a="2.0.0", b="1.0.0"), outputs)
    with pytest.raises(SoopError, match=r"a: its group \(a, b\) was not updated in this run"):
        asyncio.run(ReleaseResource(Rollouts()).update(CONTEXT, "a", BEFORE["services"]["a"], {"version": "1"}, wanted))


def test_secrets_of_a_group_that_a_killed_run_accepted_are_recorded_by_the_next_run() -> None:
    """In that next run nothing shows that they were rotated."""
    recorded = {"version": "1.0.0", "acceptedSecrets": {"password": Secret("first888")}}
    rotated = {**BEFORE, "services": {name: service(name, password="second88") for name in ("a", "b")}}
    outputs, _ = accepted(rotated)
    wanted = in_group("a", rotated, outputs)
    release = ReleaseResource(Rollouts())
    assert set(release.diff(BEFORE["services"]["a"], recorded, wanted).changes) == {"secrets.password"}
    after = asyncio.run(release.update(CONTEXT, "a", BEFORE["services"]["a"], recorded, wanted))
    assert reveal(after["acceptedSecrets"]) == {"password": "second88"}
    assert release.diff(wanted, after, wanted).changes == {}


@pytest.mark.parametrize(
    ("outputs", "together", "version", "refused"),
    [
        ({"version": "1.0.0"}, ["a", "b"], "2.0.0", True),
        ({"version": "1.0.0"}, ["a", "b"], "1.0.0", False),
        ({}, ["a", "b"], "2.0.0", False),
        ({"version": "1.0.0"}, None, "2.0.0", False),
    ],
)
def test_a_service_comes_into_a_group_as_it_is(
    outputs: Properties, together: list[str] | None, version: str, refused: bool
) -> None:
    wanted = {**service("a", version), **({"together": together, "accepted": UNKNOWN} if together else {})}
    wanted["nodes"] = {**wanted["nodes"]}
    announce = ReleaseResource(Rollouts()).announce(CONTEXT, BEFORE["services"]["a"], outputs, wanted)
    if refused:
        with pytest.raises(SoopError, match=r"a: comes into the group a, b and changes at once \(version\)"):
            asyncio.run(announce)
    else:
        asyncio.run(announce)

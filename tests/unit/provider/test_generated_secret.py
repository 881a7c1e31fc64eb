"""Which generated secrets a Release uses: what was accepted, until another one was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.generated_secret import (
    ACCEPTED,
    GeneratedSecretResource,
    accepted_outputs,
    used_secrets,
)
from soop_components.provider.resource import Context
from soop_components.provider.wire import UNKNOWN, Properties, reveal
from soop_components.release.cancellation import Cancellation
from soop_components.secret import Secret

ACCEPTED_BY: Properties = {"version": "1.0.0", ACCEPTED: {"password": Secret("accepted")}}


@pytest.fixture
def secret() -> Iterator[GeneratedSecretResource]:
    """The resource, at the end without memory."""
    resource = GeneratedSecretResource()
    yield resource
    resource.engine_ended()


def used(outputs: Properties, offered: object, made: int | str = 8, *, inputs: Properties | None = None) -> object:
    wanted = {"service": "a", "secrets": {"password": offered}, "generated": {"password": made}}
    return reveal(used_secrets(inputs or {}, outputs, wanted))["secrets"]["password"]


def create(resource: GeneratedSecretResource, wanted: Properties | None = None) -> object:
    context = Context("urn:pulumi:dev::p::soop:index:Secret::a.password", EngineProgress(None, ""), Cancellation())
    return reveal(asyncio.run(resource.create(context, wanted or {"length": 8})).outputs["value"])


def test_what_was_accepted_is_used_whatever_is_offered() -> None:
    assert used(ACCEPTED_BY, Secret("refused!")) == "accepted"


def test_what_is_offered_is_used_where_nothing_was_accepted() -> None:
    assert used({}, Secret("offered!")) == "offered!"
    assert used({"status": {}}, Secret("offered!"), inputs={"secrets": {"password": Secret("refused!")}}) == "offered!"


def test_a_state_from_before_accepted_secrets_were_kept() -> None:
    before = {"secrets": Secret({"password": "accepted"})}
    assert used({"version": "1.0.0"}, Secret("refused!"), inputs=before) == "accepted"


def test_another_length_is_another_secret() -> None:
    assert used(ACCEPTED_BY, Secret("of another length"), 17) == "of another length"


def test_a_certificate_is_accepted_as_one(secret: GeneratedSecretResource) -> None:
    made, again = (create(secret, {"certificate": "web.dev-a"}) for _ in range(2))
    secret.engine_ended()
    accepted: Properties = {"version": "1.0.0", ACCEPTED: {"password": Secret(made)}}
    assert made != again
    assert used(accepted, Secret(again), "web.dev-a") == made
    assert used(accepted, Secret("password"), 8) == "password"
    assert used(ACCEPTED_BY, Secret(made), "web.dev-a") == made


@pytest.mark.parametrize("wanted", [{"length": 7}, {"length": "long"}, {"length": 129}, {}])
def test_a_length_is_from_8_to_128(secret: GeneratedSecretResource, wanted: Properties) -> None:
    assert secret.check(wanted) == {"length": "expected a number of characters from 8 to 128"}


def test_what_another_kind_of_secret_will_be_is_unknown(secret: GeneratedSecretResource) -> None:
    context = Context("urn:pulumi:dev::p::soop:index:Secret::a.password", EngineProgress(None, ""), Cancellation())
    outputs: Properties = {"length": 8, "value": Secret("accepted")}
    assert secret.preview(context, outputs, {"length": 8}) == outputs
    assert reveal(secret.preview(context, outputs, {"certificate": "web.dev-a"})["value"]) is UNKNOWN


def test_one_that_is_made_in_this_run_is_tried_in_this_run(secret: GeneratedSecretResource) -> None:
    offered = create(secret)
    assert used(ACCEPTED_BY, Secret(offered)) == offered
    assert used(ACCEPTED_BY, Secret(UNKNOWN)) is UNKNOWN
    secret.engine_ended()
    assert used(ACCEPTED_BY, Secret(offered)) == "accepted"


def test_one_that_the_domain_gives_is_used() -> None:
    wanted = {"service": "a", "secrets": {"password": Secret("given")}, "generated": {}}
    assert reveal(used_secrets({}, ACCEPTED_BY, wanted)["secrets"]) == {"password": "given"}


def test_one_of_another_service_in_the_group_is_tried_where_that_service_tries_it(
    secret: GeneratedSecretResource,
) -> None:
    offered = create(secret)  # of the service a
    wanted = {"service": "b", "secrets": {"a__password": Secret(offered)}, "generated": {"a__password": 8}}
    accepted: Properties = {"version": "1.0.0", ACCEPTED: {"a__password": Secret("accepted")}}
    assert reveal(used_secrets({}, accepted, wanted)["secrets"]) == {"a__password": "accepted"}
    wanted["imports"] = {"a__password": "a.password"}
    assert reveal(used_secrets({}, accepted, wanted)["secrets"]) == {"a__password": offered}


@pytest.mark.parametrize(
    ("outputs", "offered", "shown"),
    [
        (ACCEPTED_BY, Secret("refused!"), Secret("accepted")),
        (ACCEPTED_BY, Secret(UNKNOWN), Secret(UNKNOWN)),
        ({}, Secret("offered!"), Secret("offered!")),
    ],
)
def test_a_preview_says_which_secret_will_be_accepted_so_that_others_know_it(
    outputs: Properties, offered: object, shown: object
) -> None:
    wanted = {"service": "a", "secrets": {"password": offered, "other": Secret("x")}, "generated": {"password": 8}}
    assert reveal(accepted_outputs(used_secrets({}, outputs, wanted))) == reveal({ACCEPTED: {"password": shown}})
    assert accepted_outputs({**wanted, "secrets": UNKNOWN}) == {ACCEPTED: UNKNOWN}

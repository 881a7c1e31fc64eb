"""What a machine's provider says of a change before it is made."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from pulumi.runtime.proto import provider_pb2

from soop_components.machines.local.resources import MachineResource
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.resource import Context
from soop_components.provider.servicer import Servicer
from soop_components.provider.wire import UNKNOWN, Properties, encode
from soop_components.release.cancellation import Cancellation

SPEC: Properties = {
    "image": "debian-12",
    "cpus": 1,
    "memory": "512MiB",
    "authorizedKey": "ssh-ed25519 BBBB",
    "disks": [],
}
PLACE: Properties = {"address": "10.0.0.1", "port": 22, "user": "root", "hostKey": "ssh-ed25519 AAAA"}
KIND = provider_pb2.PropertyDiff.Kind


def asked(wanted: Properties, **found: Any) -> provider_pb2.DiffResponse:
    """Let the servicer compare a machine that runs as it was made."""
    request = provider_pb2.DiffRequest(
        urn="urn:pulumi:dev-a::p::soop:index:Node$soop:index:Machine::web-1.access-service.dev-a",
        old_inputs=encode({"spec": SPEC}),
        olds=encode({"spec": SPEC, "place": PLACE, "running": True, **found}),
        news=encode(wanted),
    )
    context: Any = SimpleNamespace(peer=str)
    return asyncio.run(Servicer([MachineResource()], "1").Diff(request, context))


def kinds(response: provider_pb2.DiffResponse) -> dict[str, Any]:
    return {path: detail.kind for path, detail in response.detailedDiff.items()}


CONTEXT = Context("urn", EngineProgress(None, "urn"), Cancellation())


def test_nothing_differs() -> None:
    response = asked({"spec": SPEC})
    assert response.changes == provider_pb2.DiffResponse.DIFF_NONE
    assert not response.replaces


def test_another_size_is_an_update_that_names_what_changes() -> None:
    response = asked({"spec": {**SPEC, "cpus": 2, "memory": "1GiB"}})
    assert kinds(response) == {"spec.cpus": KIND.UPDATE, "spec.memory": KIND.UPDATE}
    assert not response.replaces
    assert not response.deleteBeforeReplace


def test_another_image_is_an_update_since_the_release_rebuilds_node_by_node() -> None:
    response = asked({"spec": {**SPEC, "image": "debian-13", "cpus": 2}})
    assert kinds(response) == {"spec.image": KIND.UPDATE, "spec.cpus": KIND.UPDATE}
    assert not response.replaces


def test_a_machine_counts_as_made_from_the_image_that_it_has() -> None:
    assert kinds(asked({"spec": SPEC}, image="debian-11")) == {"spec.image": KIND.UPDATE}
    assert kinds(asked({"spec": {**SPEC, "image": "debian-13"}}, image="debian-13")) == {}


def test_a_machine_that_does_not_run_is_updated() -> None:
    response = asked({"spec": SPEC}, running=False)
    assert kinds(response) == {"running": KIND.UPDATE}
    assert not response.replaces


def test_what_is_not_known_yet_is_an_update() -> None:
    assert kinds(asked({"spec": UNKNOWN})) == {"spec": KIND.UPDATE}
    assert kinds(asked({"spec": {**SPEC, "authorizedKey": UNKNOWN}})) == {"spec.authorizedKey": KIND.UPDATE}


def test_a_preview_shows_what_a_machine_will_be_and_keeps_the_place_of_one_that_is_there() -> None:
    machine, wanted = MachineResource(), {"spec": {**SPEC, "cpus": 2}}
    assert machine.preview(CONTEXT, {}, wanted) == {**wanted, "place": UNKNOWN, "running": UNKNOWN}
    there = {"spec": SPEC, "place": PLACE, "running": False}
    assert machine.preview(CONTEXT, there, wanted) == {**wanted, "place": PLACE, "running": True}

"""Nodes that get new machines in a rollout, in their turn, and in its rollback."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from soop_components.errors import SoopError
from soop_components.model.names import Reference
from soop_components.model.plan import ComponentPlan
from soop_components.release.verdict import ReleaseFailed
from tests.unit.release.example import DIGEST, DONE, EARLIER, FIRST, NEW, RELEASE, ROLES, SERVING
from tests.unit.release.failing import failure, run
from tests.unit.release.fake_machines import FixedMachines
from tests.unit.release.fake_nodes import Nodes

OLD = replace(RELEASE, reference=Reference("a-service", "1.0.0"), base="debian-11")
OF_A_COMPONENT = "sha256:" + "1" * 64
IN_ITS_TURN = ["drain", "rebuild", "reopen", "hosts", "inspect", "receive", "apply", "undrain", "accept"]


def fail() -> None:
    raise SoopError("out of luck")


def done_on(nodes: Nodes, node: str) -> list[str]:
    """Return what was done on a node after the first looks."""
    calls = [name for name, other in nodes.calls if other == node]
    return calls[calls.index("hosts") + 1 :]


def test_the_nodes_that_are_asked_for_get_new_machines_and_no_others() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, DONE), replaced=("web-3", "database-1"))
    asyncio.run(nodes.run(RELEASE))
    assert nodes.called("rebuild") == ["database-1", "web-3"], "in the order of the roles"
    assert done_on(nodes, "web-3") == IN_ITS_TURN
    assert nodes.called("apply") == ["database-1", "web-3"]


def test_with_another_base_all_nodes_get_new_machines_batch_after_batch() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING))
    nodes.bases = dict.fromkeys(RELEASE.nodes, "debian-11")
    asyncio.run(nodes.run(OLD))
    assert nodes.bases == dict.fromkeys(RELEASE.nodes, RELEASE.base)
    web = [call for call in nodes.calls if call[1] in ("web-1", "web-2") and call[0] in ("drain", "rebuild", "undrain")]
    steps = ("drain", "rebuild", "undrain")
    assert web == [(step, "web-1") for step in steps] + [(step, "web-2") for step in steps]
    assert nodes.called("receive").count("worker-2") == 1, "what is lost with its machine is not sent before"


def test_a_node_that_does_not_answer_gets_a_new_machine_with_those_that_serve_nobody() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, DONE), {("open", "web-3"): fail}, replaced=("web-3",))
    nodes.at["inspect", "web-3"] = lambda: None if nodes.called("rebuild") else fail()
    asyncio.run(nodes.run(RELEASE))
    assert done_on(nodes, "web-3") == ["inspect", "receive", "apply", "join", "accept"]


def test_a_new_node_that_is_asked_for_is_only_configured() -> None:
    nodes = Nodes(FIRST, replaced=("web-1",))
    nodes.states = {name: replace(state, is_last_good=True) for name, state in FIRST.items()}
    asyncio.run(nodes.run())
    assert nodes.called("rebuild") == []


def test_a_rollback_gives_nodes_with_new_machines_such_of_the_base_before() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING), {("script", "database-1"): fail})
    nodes.bases = dict.fromkeys(RELEASE.nodes, "debian-11")
    with pytest.raises(ReleaseFailed, match="rolled back to the last good version: database-1, web-1"):
        asyncio.run(nodes.run(OLD))
    assert nodes.bases == dict.fromkeys(RELEASE.nodes, "debian-11")
    assert nodes.called("roll_back") == []
    again = [*IN_ITS_TURN[:7], "accept", "undrain"]
    assert done_on(nodes, "web-1")[-len(again) :] == again


@pytest.mark.parametrize("gone", [OF_A_COMPONENT, DIGEST])
def test_a_machine_stays_where_the_version_of_another_one_is_not_in_the_store(gone: str) -> None:
    """A blob of the document or of a hook: what was on the machine would be lost, and nothing could take its place."""

    def in_store(digest: str) -> Path:
        if digest == gone:
            raise SoopError("a-service-1.0.0 is not in the store", "run: soop build DEFINITION")
        return Path(digest)

    web = ROLES["web"].model_copy(update={"components": {"app": ComponentPlan(blob=OF_A_COMPONENT)}})
    nodes = Nodes({**dict.fromkeys(RELEASE.nodes, SERVING), "web-1": NEW}, {("apply", "web-2"): failure("web-2")})
    nodes.blobs = in_store
    assert run(nodes, replace(EARLIER, roles={**EARLIER.roles, "web": web})).splitlines()[2:] == [
        "  could not be rolled back: web-1: its machine stays as it is: a-service-1.0.0 is not in the store",
        "  run: soop build DEFINITION",
        "  the next deployment looks at these nodes and repairs them",
    ]
    assert nodes.called("rebuild") == []
    nodes = Nodes(nodes.states, {("apply", "web-2"): failure("web-2")})
    assert "could not be rolled back" not in run(nodes, replace(EARLIER, roles={**EARLIER.roles, "web": web}))


def test_machines_that_stay_what_they_are_are_refused_before_anything_is_changed() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING))
    nodes.machines = FixedMachines()
    nodes.bases = {"web-2": "debian-11"}
    what = "web-2: its system is debian-11, and a-service-1.0.1 is built for debian-12; machines of the kind fixed"
    with pytest.raises(ReleaseFailed, match=what):
        asyncio.run(nodes.run(OLD))
    assert {name for name, _ in nodes.calls} == {"open", "inspect"}

"""Programs of a service run around each batch, and around its rollback."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import NoReturn

import pytest

from soop_components.errors import SoopError
from soop_components.model.plan import HookPlan, RolePlan
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.verdict import ReleaseFailed
from tests.unit.release.example import DIGEST, EARLIER, FIRST, NEW, RELEASE, ROLES, SERVING, UPGRADE
from tests.unit.release.failing import (
    BEFORE,
    assert_rolled_back,
    failure,
    mistake,
    run,
    with_leaving,
)
from tests.unit.release.fake_nodes import Nodes


def test_a_node_is_drained_before_it_is_touched_and_undrained_when_it_is_healthy() -> None:
    nodes = Nodes(UPGRADE)
    asyncio.run(nodes.run())
    done = {node: [name for name, other in nodes.calls if other == node][3:-1] for node in ("web-1", "web-2", "web-5")}
    assert done == {
        "web-1": ["receive", "drain", "apply", "undrain"],
        "web-2": ["receive", "apply", "join"],
        "web-5": [],
    }


def test_a_batch_is_drained_and_undrained_before_the_next_one_is_rolled_back() -> None:
    nodes = Nodes(dict.fromkeys(RELEASE.nodes, SERVING), {("script", "database-1"): failure("database-1")})
    assert_rolled_back(nodes, run(nodes))
    begin = nodes.calls.index(("script", "database-1"))
    web = [call for call in nodes.calls[begin:] if call[1].startswith("web-") and call[0] not in ("status", "reopen")]
    batches = [web[start : start + 6] for start in range(0, len(web), 6)]
    assert [sorted(names for name, names in batch if name == "drain") for batch in batches] == [
        ["web-5", "web-6"],
        ["web-3", "web-4"],
        ["web-1", "web-2"],
    ]
    assert [[name for name, _ in batch] for batch in batches] == [
        ["drain", "drain", "roll_back", "roll_back", "undrain", "undrain"]
    ] * 3


@pytest.mark.parametrize("undrains", [True, False])
def test_nodes_remember_that_they_are_drained_where_a_hook_ends_that(undrains: bool) -> None:
    def seen() -> None:
        remembered.append(set(nodes.drained))

    hooks = {name: hook for name, hook in ROLES["web"].hooks.items() if undrains or name != "undrain"}
    roles = {**ROLES, "web": ROLES["web"].model_copy(update={"hooks": hooks})}
    remembered: list[set[str]] = []
    nodes = Nodes(UPGRADE, {("apply", "web-1"): seen}, release=replace(RELEASE, roles=roles))
    asyncio.run(nodes.run(replace(EARLIER, roles={**EARLIER.roles, "web": roles["web"]})))
    assert remembered == [{"web-1"} if undrains else set()]
    assert nodes.drained == set()


def test_nodes_leave_before_the_version_is_accepted_the_highest_number_first() -> None:
    nodes = Nodes(UPGRADE, {("open", "web-8"): failure("web-8")})
    asyncio.run(nodes.run(with_leaving(3)))
    assert nodes.called("leave") == ["web-9", "web-7"], "web-8 does not answer"
    assert nodes.calls.index(("script", "database-1")) < nodes.calls.index(("leave", "web-9"))
    assert nodes.calls.index(("leave", "web-7")) < nodes.calls.index(("accept", "web-1"))


def test_nodes_that_have_left_join_again_when_the_version_is_not_accepted() -> None:
    nodes = Nodes(UPGRADE, {("leave", "web-7"): failure("web-7")})
    with pytest.raises(ReleaseFailed, match="web-7: out of luck"):
        asyncio.run(nodes.run(BEFORE))
    assert nodes.called("accept") == []
    assert nodes.called("join") == ["web-2", "web-8", "web-7"]


def test_new_nodes_that_have_joined_leave_when_the_version_is_not_accepted() -> None:
    """They may be removed before anybody tries again, and nothing would tell them then."""
    states = {**UPGRADE, "web-3": NEW, "web-6": NEW}
    nodes = Nodes(states, {("join", "web-6"): failure("web-6"), ("leave", "web-3"): failure("web-3")})
    message = run(nodes)
    assert nodes.called("join") == ["web-2", "web-3", "web-6"]
    assert nodes.called("leave") == ["web-6", "web-3", "web-2"]
    assert nodes.calls[-3:] == [("leave", name) for name in nodes.called("leave")], "when all others are back"
    assert message.splitlines()[-1] == "  failed during the rollback: web-3: out of luck"


@pytest.mark.parametrize("previous", [None, EARLIER])
def test_those_that_stay_do_not_leave(previous: ReleaseInputs | None) -> None:
    """Where there is no version before, and where it has the node, whose machine is new."""
    states = FIRST if previous is None else {**dict.fromkeys(RELEASE.nodes, SERVING), "web-2": NEW}
    nodes = Nodes(states, {("script", "database-1"): failure("database-1")})
    run(nodes, previous)
    assert "web-2" in nodes.called("join")
    assert nodes.called("leave") == []


def test_hooks_that_the_last_good_version_has_not_are_those_of_the_new_one() -> None:
    previous = replace(with_leaving(0), roles={**EARLIER.roles, "web": RolePlan()})
    nodes = Nodes(UPGRADE, {("script", "database-1"): failure("database-1")})
    assert_rolled_back(nodes, run(nodes, previous))
    assert ("drain", "web-1") in nodes.calls[nodes.calls.index(("script", "database-1")) :]


def test_a_machine_that_a_rollback_makes_is_not_undrained_by_the_new_version() -> None:
    """It got the programs of the last good one only."""
    states = {**dict.fromkeys(RELEASE.nodes, SERVING), "web-1": NEW}
    nodes = Nodes(states, {("apply", "web-2"): failure("web-2")})
    message = run(nodes, replace(EARLIER, roles={**EARLIER.roles, "web": RolePlan()}))
    assert "failed during the rollback" not in message
    assert (nodes.called("rebuild"), nodes.called("undrain")) == (["web-1"], ["web-2"])


@pytest.mark.parametrize("last", ["apply", "accept"])
def test_a_node_keeps_the_programs_that_a_rollback_runs_on_it(last: str) -> None:
    """When its own apply fails, and when it accepts what another node does not."""
    old = "sha256:" + "1" * 64
    web = ROLES["web"].model_copy(update={"hooks": {"undrain": HookPlan(blob=old, source="undrain")}})
    known = {name: node for name, node in RELEASE.nodes.items() if name != "web-2"}
    previous = replace(EARLIER, roles={**EARLIER.roles, "web": web}, nodes=known, smoke_tests=())
    nodes = Nodes(UPGRADE, {(last, "web-6"): failure("web-6")})
    with pytest.raises(ReleaseFailed):
        asyncio.run(nodes.run(previous))
    assert (nodes.kept["web-6"], nodes.kept["web-2"]) == ({DIGEST, old}, {DIGEST})


def test_hooks_that_fail_during_the_rollback_stop_nothing_and_are_reported() -> None:
    def fail() -> NoReturn:
        nodes.at |= {("join", "web-8"): failure("web-8"), ("undrain", "web-3"): mistake, ("drain", "web-1"): lost}
        raise SoopError("the end")

    lost = failure("web-1")
    nodes = Nodes(UPGRADE, {("leave", "web-7"): fail})
    message = run(nodes, BEFORE)
    assert_rolled_back(nodes, message)
    assert message.splitlines()[2:] == [
        "  failed during the rollback: web-8: out of luck",
        "  failed during the rollback: web-3: IndexError('a mistake of ours')",
        "  failed during the rollback: web-1: out of luck",
    ]

"""Rollouts on nodes in memory that fail, and what is true of each of them afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NoReturn

import pytest

from soop_components.release.inputs import ReleaseInputs, ReleaseNode
from soop_components.release.node import NodeFailure
from soop_components.release.order import NodeState
from soop_components.release.verdict import ReleaseFailed
from soop_components.runner.protocol import Failed
from soop_components.transport.ssh import Target
from tests.unit.release.example import EARLIER, NEW, RELEASE, UPGRADE
from tests.unit.release.fake_nodes import Call, Nodes


def with_leaving(count: int) -> ReleaseInputs:
    """Return a release before, which had so many web nodes more, and not the one that is new."""
    more = {
        f"web-{number}": ReleaseNode(Target(f"web-{number}", "10.0.0.9", "key"), "web", number)
        for number in range(7, 7 + count)
    }
    nodes = {name: node for name, node in RELEASE.nodes.items() if UPGRADE[name] != NEW}
    return replace(EARLIER, nodes={**nodes, **more})


BEFORE = with_leaving(2)
"""From which an upgrade starts that web-7 and web-8 leave."""
IN_ROLLBACKS = ("status", "reopen", "roll_back", "drain", "undrain", "join", "leave")
"""What a rollback does on nodes, and a rollout may do too."""
LOOKS = ("open", "inspect", "hosts")
"""What a rollout begins with."""


def failure(node: str, rolled_back: bool = False, why_not: Failed | None = None) -> Callable[[], NoReturn]:
    """Return what makes a call on a node fail."""

    def fail() -> NoReturn:
        failed = Failed(None, "out of luck", rolled_back=rolled_back, rollback_failure=why_not)
        raise NodeFailure(node, failed)

    return fail


def mistake() -> NoReturn:
    raise IndexError("a mistake of ours")


def run(nodes: Nodes, previous: ReleaseInputs | None = None) -> str:
    """Run a rollout that fails; return what it says."""
    with pytest.raises(ReleaseFailed) as caught:
        asyncio.run(nodes.run(previous))
    return str(caught.value)


def interrupted(states: Mapping[str, NodeState], call: Call) -> Nodes:
    """Return nodes where Ctrl-C is pressed during a call."""
    nodes = Nodes(states)
    nodes.at[call] = nodes.cancellation.request
    return nodes


def assert_rolled_back(nodes: Nodes, message: str, done_already: str | None = None) -> None:
    """See that what does not run its last good version was rolled back, and that nothing else was."""
    configured = nodes.called("apply")
    looked = {"hosts", "roll_back"} & {name for name, _ in nodes.calls}  # an interruption may come before or after
    left = [name for name, state in nodes.states.items() if looked and not state.is_last_good]
    changed = [name for name in configured + left if nodes.states[name].can_roll_back]
    assert sorted(nodes.called("roll_back")) == sorted(set(changed) - {done_already})
    last = {name: nodes.last_good.get(name) for name in changed}
    assert last == {name: EARLIER.plan_digest(name) for name in changed}
    drained = {node: name for name, node in nodes.calls if name in ("drain", "undrain")}
    assert set(drained.values()) <= {"undrain"}, "every node that was drained is undrained"
    gone = {node: name for name, node in nodes.calls if name in ("leave", "join")}
    accepted = {name for name, state in nodes.states.items() if state.has_accepted}
    new = nodes.states.keys() - accepted if accepted else set()
    expected = {name: "leave" if name in new else "join" for name in gone}
    assert gone == expected, "every node that has left joins again, and every new one that has joined leaves"
    line = f"\n  rolled back to the last good version: {', '.join(sorted(changed))}"
    assert (line in message) if changed else ("rolled back" not in message)

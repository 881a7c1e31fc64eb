"""Nodes of a release that exist in memory only, and what was done on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from soop_components.machines import Operations
from soop_components.release.cancellation import Cancellation
from soop_components.release.disks import Disks
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Blobs, Node
from soop_components.release.order import NodeState
from soop_components.release.rebuilding import Rebuilding
from soop_components.release.restart import Restart
from soop_components.release.rollout import Rollout
from soop_components.release.together import roll_out
from soop_components.runner.protocol import Inspected, NodeStatus, ScriptEnded
from soop_components.runner.vocabulary import Change, Version
from soop_components.transport.ssh import Target
from tests.clock import SetClock
from tests.unit.release.example import (
    DIGEST,
    EARLIER,
    HOOKS,
    RELEASE,
    with_migrations,
)
from tests.unit.release.fake_machines import FakeMachines, FakeSnapshots

Call = tuple[str, str]
"""Operation and node."""


class Nodes:
    """All nodes of a release; ``calls`` is what was done on them, ``at`` what happens on one of the calls."""

    def __init__(
        self,
        states: Mapping[str, NodeState],
        at: Mapping[Call, Callable[[], None]] | None = None,
        serves: str = "a-service",
        replaced: tuple[str, ...] = (),
        release: ReleaseInputs = RELEASE,
    ) -> None:
        self.release = release
        self.earlier = EARLIER
        self.states = states
        self.serves = serves
        self.calls: list[Call] = []
        self.names: dict[str, Mapping[str, str]] = {}
        """The addresses that each node got last."""
        self.unhealthy: set[str] = set()
        """Nodes that are found unhealthy."""
        self.changed: set[str] = set()
        """Nodes that run another plan than the one that was accepted."""
        self.last_good: dict[str, str | None] = {}
        """The version in the state that each node got with the last call."""
        self.kept: dict[str, set[str]] = {}
        """The blobs that each node was to keep with the last call."""
        self.accept_within: dict[str, int] = {}
        """How long each node that was configured waits for signs of life."""
        self.patience: dict[str, float] = {}
        """How long each node was waited for at first."""
        self.cancellation = Cancellation()
        self.clock = SetClock()
        self.machines: Operations = FakeMachines(self)
        self.replace = replaced
        self.blobs: Blobs = Path
        """Where the store has blobs."""
        self.bases: dict[str, str] = {}
        """The base image of nodes that say it."""
        self.other_disks: set[str] = set()
        """Nodes whose disks are not what their version left."""
        self.at = dict(at or {})
        self.snapshots = FakeSnapshots(self)
        self.restores: dict[str, str] = {}
        """Labels of the snapshots that are asked for."""
        self.script_secrets: list[dict[str, str]] = []
        """What programs were given in files, one after the other."""
        self.exit_codes: dict[Call, int] = {}
        """How programs end that do not succeed."""
        self.repaired: set[str] = set()
        """Nodes on which the last good version was begun last."""
        self.shown_time = 0
        """What clocks of nodes show."""
        self.good_since = 0
        """When the last good version was accepted on the nodes, or rolled back to."""
        self.drained: set[str] = set()
        """Nodes that remember that they serve no more."""
        self.begun: dict[str, tuple[Change, ...]] = {}
        """What an apply that was killed has left to do, by node."""

    def bind_to_disk(self) -> None:
        """Let the version before not run on what the release does to the database, which is done."""
        self.release = with_migrations(self.release, "expand", "contract")
        self.earlier = with_migrations(self.earlier, "expand")
        self.exit_codes[("script --lacks 2", "database-1")] = 1

    async def run(self, previous: ReleaseInputs | None = None) -> None:
        """Roll the release out on them, after another one on those that are not new."""
        new = {name for name, state in self.states.items() if not state.has_accepted}
        if previous is None and new != self.states.keys():
            there = {name: node for name, node in self.earlier.nodes.items() if name not in new}
            previous = replace(self.earlier, nodes=there)
        await roll_out([self.rollout(previous)], Silence())

    async def run_without_state(self) -> None:
        """Roll it out for the first time, whatever has been accepted on the nodes."""
        await roll_out([self.rollout(None)], Silence())

    def rollout(self, previous: ReleaseInputs | None) -> Rollout:
        """Return the rollout of the release on them."""
        nodes = {name: FakeNode(self, node.target) for name, node in self.release.nodes.items()}
        before = previous.nodes if previous else {}
        leaving = {name: FakeNode(self, node.target) for name, node in before.items() if name not in nodes}
        disks = Disks(self.snapshots, self.restores)
        rebuilding = Rebuilding(self.release, nodes, self.blobs, self.machines, self.replace)
        watched = self.cancellation, Silence()
        return Rollout(self.release, previous, nodes, leaving, self.blobs, *watched, rebuilding, self.clock, disks)

    def restart(self) -> Restart:
        """Return a restart of what was accepted on them."""
        nodes = {name: FakeNode(self, node.target) for name, node in RELEASE.nodes.items()}
        return Restart(RELEASE, nodes, self.cancellation, Silence(), self.clock)

    def called(self, operation: str) -> list[str]:
        """Return the nodes on which this was called, in order."""
        return [node for name, node in self.calls if name == operation]

    def on_call(self, operation: str, node: str) -> None:
        """Note a call, and let happen what happens then."""
        self.calls.append((operation, node))
        self.at.get((operation, node), lambda: None)()


class Silence:
    """Progress that nobody reads."""

    async def show(self, message: str) -> None:
        """Say nothing."""

    async def tell(self, message: str) -> None:
        """Say nothing."""


class FakeNode(Node):
    """One of the nodes; nothing reaches the network."""

    def __init__(self, nodes: Nodes, target: Target) -> None:
        self.target = target
        self.progress = Silence()
        self._nodes = nodes
        self._name = target.name
        self._opened = False

    async def open(self, patience: float) -> None:
        self._nodes.on_call("reopen" if self._opened else "open", self._name)
        self._opened = True
        self._nodes.patience.setdefault(self._name, patience)

    async def reopen(self, patience: float) -> None:
        self._nodes.on_call("reopen", self._name)

    async def status(self, patience: float) -> NodeStatus:
        self._nodes.on_call("status", self._name)
        running = Version("a-service", "1.0.1", DIGEST, "") if self._name not in self._nodes.unhealthy else None
        if running and self._name not in self._nodes.changed:
            running = running._replace(plan_digest=self._nodes.release.documents[self._name]["plan_digest"])
        return NodeStatus(running, True, (), ())

    async def inspect(self, document: Mapping[str, Any], secrets: Any, blobs: Any, last_good: Any) -> Inspected:
        self._nodes.on_call("inspect", self._name)
        state = self._nodes.states[self._name]
        digest = "another" if state.can_roll_back else document["plan_digest"]
        good = Version(self._nodes.serves, "1.0.0", DIGEST, digest) if state.has_accepted else None
        running = good if state.is_last_good else Version("a-service", "1.0.1", DIGEST, document["plan_digest"])
        changes = (Change("file", "/etc/a", "write"),) if state.has_changes else ()
        changes += self._nodes.begun.get(self._name, ())
        base, has_other_disk = self._nodes.bases.get(self._name), self._name in self._nodes.other_disks
        begun = good if self._name in self._nodes.repaired else None
        return Inspected(
            state.missing, changes, running, good, None, base, 0, has_other_disk, begun, self._nodes.good_since,
            self._nodes.shown_time,
        )  # fmt: skip

    async def hosts(self, hosts: Mapping[str, str]) -> None:
        self._nodes.names[self._name] = hosts
        self._nodes.on_call("hosts", self._name)

    async def receive(self, digests: Iterable[str], blobs: Any) -> None:
        self._nodes.on_call("receive", self._name)

    async def apply(
        self,
        document: Any,
        secrets: Any,
        previous_secrets: Any,
        hosts: Mapping[str, str],
        last_good: str | None,
        blobs: Iterable[str],
        accept_within: int = 0,
    ) -> None:
        self._nodes.kept[self._name] = set(blobs)
        self._nodes.names[self._name] = hosts
        self._nodes.last_good[self._name] = last_good
        self._nodes.accept_within[self._name] = accept_within
        self._nodes.on_call("apply", self._name)

    async def roll_back(self, secrets: Any, hosts: Mapping[str, str], last_good: str | None) -> None:
        self._nodes.names[self._name] = hosts
        self._nodes.last_good[self._name] = last_good
        self._nodes.on_call("roll_back", self._name)

    async def restart(self, secrets: Any, hosts: Mapping[str, str], last_good: str | None) -> None:
        self._nodes.last_good[self._name] = last_good
        self._nodes.on_call("restart", self._name)

    async def accept(self, plan_digest: str, blobs: Iterable[str], last_good: str | None) -> None:
        self._nodes.kept[self._name] = set(blobs)
        self._nodes.last_good[self._name] = last_good
        self._nodes.on_call("accept", self._name)

    async def script(
        self,
        blob: str,
        source: str,
        environment: Mapping[str, str],
        timeout: int,
        arguments: Iterable[str] = (),
        user: str = "root",
        drains: bool | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> ScriptEnded:
        call = " ".join([source if source in HOOKS else "script", *arguments]), self._name
        self._nodes.script_secrets.append(dict(secrets or {}))
        if drains:
            self._nodes.drained.add(self._name)
        self._nodes.on_call(*call)
        if drains is False:
            self._nodes.drained.discard(self._name)
        return ScriptEnded(self._nodes.exit_codes.get(call, 0), "", "")

    async def logs(self, secrets: Mapping[str, str]) -> str:
        self._nodes.on_call("logs", self._name)
        return "began\nno database"

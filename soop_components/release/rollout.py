"""How a release passes over its nodes: role by role, canaries first, and back again when something fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NoReturn

from soop_components.errors import SoopError
from soop_components.release.cancellation import Cancellation, Cancelled
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Blobs, Node, NodeFailure
from soop_components.release.smoke_tests import SmokeTests
from soop_components.release.wording import failure_in_words
from soop_components.runner.protocol import Inspected, Version

PATIENCE = 20.0
"""Seconds a node may take until it answers at the beginning of a rollout."""
_PATIENCE_ON_RETURN = 10.0
"""Seconds a node may take until it answers when it is to be put back; one that was lost was waited for already."""
_States = Mapping[str, Inspected]
"""What the runner says of each node before anything is changed."""
_Show = Callable[[str], Awaitable[None]]


class ReleaseFailed(SoopError):
    """The service was not accepted."""


class Rollout:
    """One attempt to make all nodes of a service what their plans say."""

    def __init__(
        self,
        wanted: ReleaseInputs,
        previous: ReleaseInputs | None,
        nodes: Mapping[str, Node],
        blobs: Blobs,
        cancellation: Cancellation,
    ) -> None:
        self._wanted = wanted
        self._previous_secrets = previous.secrets if previous else wanted.secrets
        self._has_new_secrets = self._previous_secrets != wanted.secrets
        self._nodes = nodes
        self._blobs = blobs
        self._cancellation = cancellation
        self._touched: list[str] = []
        self._accepted_before: set[str] = set()
        self._has_another: set[str] = set()
        """Of those the ones with another plan to return to than the one that is rolled out."""

    async def run(self, show: _Show) -> None:
        """Roll out, test and accept; or put back what was touched and raise ``ReleaseFailed``."""
        try:
            await show("connecting")
            states = await self._cancellation.unless_requested(self._look())
            await _all(node.hosts(self._wanted.hosts) for node in self._nodes.values())
            for group in self._wanted.role_groups:
                await _all(self._roll_role(role, states) for role in group)
            if self._wanted.smoke_tests:
                await show("smoke tests")
                await SmokeTests(self._wanted, self._nodes, self._cancellation).run()
            self._cancellation.check()
        except Exception as error:
            await self._give_up(error, show)
        await self._accept()
        await show(f"{self._wanted.reference} accepted")

    async def _look(self) -> _States:
        """Reach every node and see what is there; an apply that is still at work is waited for."""
        await _all(node.open(PATIENCE) for node in self._nodes.values())
        wanted = self._wanted
        found = await _all(
            node.inspect(wanted.documents[name], wanted.secrets, wanted.smoke_blobs(name))
            for name, node in self._nodes.items()
        )
        states = dict(zip(self._nodes, found, strict=True))
        for name, state in states.items():
            if accepted := state.accepted:
                self._accepted_before.add(name)
                self._refuse_shared(name, accepted)
                if accepted.plan_digest != wanted.documents[name]["plan_digest"] or self._has_new_secrets:
                    self._has_another.add(name)
        return states

    def _refuse_shared(self, name: str, accepted: Version) -> None:
        if accepted.service != self._wanted.service:
            raise SoopError(
                f"{name}: the machine already serves {accepted.reference}",
                "nodes are not shared between services: give this service a machine of its own",
            )

    async def _roll_role(self, role: str, states: _States) -> None:
        """Configure new nodes, which serve nobody yet, all at once; then those that serve, wave by wave."""
        names = [name for name in self._wanted.nodes_of(role) if _needs_work(states[name])]
        rollout = self._wanted.roles[role].rollout
        new = [name for name in names if name not in self._accepted_before]
        serving = [name for name in names if name in self._accepted_before]
        for wave in ([new] if new else []) + waves(serving, rollout.canaries, rollout.max_in_flight):
            self._cancellation.check()
            await _all(self._configure(name, states[name]) for name in wave)

    async def _configure(self, name: str, state: Inspected) -> None:
        node = self._nodes[name]
        if state.missing:
            await node.progress.show(f"sending {len(state.missing)} blobs")
            await node.receive(state.missing, self._blobs)
        if not state.changes:
            return
        self._touched.append(name)
        wanted = self._wanted
        await node.apply(wanted.documents[name], wanted.secrets, self._previous_secrets, wanted.hosts)

    async def _accept(self) -> None:
        """Make this the version to return to, on every node."""
        wanted = self._wanted
        try:
            await _all(
                node.accept(wanted.documents[name]["plan_digest"], wanted.smoke_blobs(name))
                for name, node in self._nodes.items()
            )
        except SoopError as error:
            hint = "it runs on all nodes and passed its tests, so the same command will end well once this is put right"
            raise ReleaseFailed(f"{wanted.reference} was not accepted: {error}", hint) from error

    async def _give_up(self, error: Exception, show: _Show) -> NoReturn:
        """Put the nodes back and raise what happened; one that cannot be put back does not stop the others."""
        already = {error.node} if isinstance(error, NodeFailure) and error.failed.rolled_back else set()
        changed = [name for name in self._touched if name in self._has_another]
        candidates = [name for name in changed if name not in already]
        if candidates:
            await show(f"returning {len(candidates)} nodes")
        results = await asyncio.gather(*(self._put_back(name) for name in candidates), return_exceptions=True)
        lost = {name: result for name, result in zip(candidates, results, strict=True) if result is not None}
        returned = sorted(set(changed) - set(lost))
        if not isinstance(error, SoopError):
            raise error
        raise ReleaseFailed(_verdict(self._wanted.reference, error, returned, lost)) from error

    async def _put_back(self, name: str) -> None:
        node = self._nodes[name]
        await node.open(_PATIENCE_ON_RETURN)
        await node.roll_back(self._previous_secrets, self._wanted.hosts)


def _needs_work(state: Inspected) -> bool:
    return bool(state.changes or state.missing)


def waves(names: list[str], canaries: int, max_in_flight: int) -> list[list[str]]:
    """Split nodes into waves: canaries one after the other, then ``max_in_flight`` at a time."""
    first = [[name] for name in names[:canaries]]
    rest = names[canaries:]
    size = max(max_in_flight, 1)
    return first + [rest[start : start + size] for start in range(0, len(rest), size)]


def _verdict(reference: str, error: SoopError, returned: list[str], lost: Mapping[str, Any]) -> str:
    lines = [f"{reference} was not accepted: {error}"]
    if isinstance(error, Cancelled):
        lines = [f"{reference} was not accepted: the deployment was interrupted; run it again to go on"]
    if isinstance(error, NodeFailure) and error.failed.rollback_failure:
        lines.append(f"  the rollback on {error.node} failed: {failure_in_words(error.failed.rollback_failure)}")
    if returned:
        lines.append(f"  returned to the last good version: {', '.join(returned)}")
    lines += [f"  could not be returned: {name}: {_reason(reason)}" for name, reason in lost.items()]
    if lost:
        lines.append("  the next deployment looks at these nodes and puts them right")
    return "\n".join(lines)


def _reason(error: BaseException) -> str:
    """Say what happened on a node that has been named already."""
    if isinstance(error, NodeFailure):
        return failure_in_words(error.failed)
    return str(error).partition(": ")[2] if isinstance(error, SoopError) else repr(error)


async def _all(work: Iterable[Awaitable[Any]]) -> list[Any]:
    """Wait for everything, also when something fails; then raise the first failure."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results

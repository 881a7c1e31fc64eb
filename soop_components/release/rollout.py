"""Carries the order of a rollout out on the nodes, and rolls them back when a step fails."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn, assert_never

from soop_components.errors import SoopError
from soop_components.release.cancellation import Cancellation, Cancelled
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import NodeFailure
from soop_components.release.operations import Blobs, NodeOperations, Progress
from soop_components.release.order import (
    Accept,
    Configure,
    NodeState,
    Parallel,
    RunSmokeTests,
    SendBlobs,
    Step,
    WriteHosts,
    rollback_order,
    rollout_order,
)
from soop_components.release.smoke_tests import SmokeTests
from soop_components.release.wording import failure_in_words
from soop_components.runner.protocol import Inspected
from soop_components.waiting import wait_for_all

_ROLLBACK_PATIENCE = 10.0
"""Seconds a node may take until it answers when it is to be rolled back; one that was lost was waited for already."""


class ReleaseFailed(SoopError):
    """The service was not accepted."""


class Rollout:
    """One attempt to make all nodes of a service what their plans say."""

    def __init__(
        self,
        wanted: ReleaseInputs,
        previous: ReleaseInputs | None,
        nodes: Mapping[str, NodeOperations],
        blobs: Blobs,
        cancellation: Cancellation,
        progress: Progress,
    ) -> None:
        self._wanted = wanted
        self._previous_secrets = previous.secrets if previous else wanted.secrets
        self._nodes = nodes
        self._blobs = blobs
        self._cancellation = cancellation
        self._progress = progress
        self._states: Mapping[str, NodeState] = {}
        self._configured: list[str] = []
        """Nodes on which an apply was begun, in this order."""
        self._is_accepting = False

    async def run(self) -> None:
        """Roll out, test and accept; or roll back what was configured and raise ``ReleaseFailed``."""
        try:
            await self._progress.show("connecting")
            self._states = await self._cancellation.unless_requested(self._look())
            await self._carry_out(rollout_order(self._wanted, self._states))
        except Exception as error:
            if self._is_accepting:
                raise
            await self._roll_back(error)
        await self._progress.show(f"{self._wanted.reference} accepted")

    async def _look(self) -> Mapping[str, NodeState]:
        """Reach every node and see what is there; an apply that is still at work is waited for."""
        wanted = self._wanted
        await wait_for_all(node.open(wanted.nodes[name].patience) for name, node in self._nodes.items())
        found = await wait_for_all(
            node.inspect(wanted.documents[name], wanted.secrets, wanted.smoke_blobs(name))
            for name, node in self._nodes.items()
        )
        return {name: self._state(name, answer) for name, answer in zip(self._nodes, found, strict=True)}

    def _state(self, name: str, found: Inspected) -> NodeState:
        accepted = found.accepted
        if accepted and accepted.service != self._wanted.reference.service:
            raise SoopError(
                f"{name}: the machine already serves {accepted.reference}",
                "nodes are not shared between services: give this service a machine of its own",
            )
        has_new_secrets = self._previous_secrets != self._wanted.secrets
        return NodeState(
            has_accepted=accepted is not None,
            can_roll_back=accepted is not None
            and (has_new_secrets or accepted.plan_digest != self._wanted.documents[name]["plan_digest"]),
            missing=found.missing,
            has_changes=bool(found.changes),
        )

    async def _carry_out(self, steps: Sequence[Step | Parallel]) -> None:
        for step in steps:
            if isinstance(step, Parallel):
                await wait_for_all(self._carry_out(lane) for lane in step.lanes)
            else:
                self._cancellation.check()
                await self._carry_out_one(step)

    async def _carry_out_one(self, step: Step) -> None:
        match step:
            case WriteHosts(names):
                await wait_for_all(self._nodes[name].hosts(self._wanted.hosts) for name in names)
            case SendBlobs(names):
                await wait_for_all(self._send_blobs(name) for name in names)
            case Configure(names):
                self._configured += names
                await wait_for_all(self._configure(name) for name in names)
            case RunSmokeTests():
                await self._progress.show("smoke tests")
                await SmokeTests(self._wanted, self._nodes, self._cancellation).run()
            case Accept(names):
                self._is_accepting = True
                await self._accept(names)
            case _:
                assert_never(step)

    async def _send_blobs(self, name: str) -> None:
        missing = self._states[name].missing
        await self._nodes[name].progress.show(f"sending {len(missing)} blobs")
        await self._nodes[name].receive(missing, self._blobs)

    async def _configure(self, name: str) -> None:
        wanted = self._wanted
        await self._nodes[name].apply(wanted.documents[name], wanted.secrets, self._previous_secrets, wanted.hosts)

    async def _accept(self, names: Iterable[str]) -> None:
        wanted = self._wanted
        try:
            await wait_for_all(
                self._nodes[name].accept(wanted.documents[name]["plan_digest"], wanted.smoke_blobs(name))
                for name in names
            )
        except SoopError as error:
            hint = "it runs on all nodes and passed its tests, so the same command will end well once this is put right"
            raise ReleaseFailed(f"{wanted.reference} was not accepted: {error}", hint) from error

    async def _roll_back(self, error: Exception) -> NoReturn:
        """Roll the nodes back and raise what happened; one that cannot be rolled back does not stop the others."""
        done = {error.node} if isinstance(error, NodeFailure) and error.failed.rolled_back else set()
        to_roll_back = [name for name in self._configured if self._states[name].can_roll_back]
        failures: dict[str, BaseException] = {}
        for step in rollback_order([name for name in to_roll_back if name not in done]):
            await self._progress.show(f"rolling back {len(step.nodes)} nodes")
            results = await asyncio.gather(*map(self._roll_back_one, step.nodes), return_exceptions=True)
            failures |= {name: result for name, result in zip(step.nodes, results, strict=True) if result is not None}
        if not isinstance(error, SoopError):
            raise error
        rolled_back = sorted(set(to_roll_back) - set(failures))
        raise ReleaseFailed(_verdict(str(self._wanted.reference), error, rolled_back, failures)) from error

    async def _roll_back_one(self, name: str) -> None:
        await self._nodes[name].open(_ROLLBACK_PATIENCE)
        await self._nodes[name].roll_back(self._previous_secrets, self._wanted.hosts)


def _verdict(
    reference: str, error: SoopError, rolled_back: Sequence[str], failures: Mapping[str, BaseException]
) -> str:
    reason = "the deployment was interrupted; run it again to go on" if isinstance(error, Cancelled) else str(error)
    lines = [f"{reference} was not accepted: {reason}"]
    if rolled_back:
        lines.append(f"  rolled back to the last good version: {', '.join(rolled_back)}")
    for name, failure in failures.items():
        said = failure if isinstance(failure, SoopError) else f"{name}: {failure!r}"
        lines.append(f"  could not be rolled back: {said}")
        if isinstance(error, NodeFailure) and error.node == name and error.failed.rollback_failure:
            lines.append(f"  its own rollback had failed before: {failure_in_words(error.failed.rollback_failure)}")
    if failures:
        lines.append("  the next deployment looks at these nodes and repairs them")
    return "\n".join(lines)

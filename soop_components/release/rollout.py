"""Carries the order of a rollout out on the nodes; ``rollback`` takes back what it did when a step fails."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import assert_never

from soop_components.model.names import Reference
from soop_components.release.attempt import Attempt
from soop_components.release.cancellation import Cancellation
from soop_components.release.disks import Disks
from soop_components.release.hooks import HookPrograms
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Blobs, Node, NodeFailure, Progress
from soop_components.release.order import FIRST_WAVE, RolloutOrder, rollout_order
from soop_components.release.rebuilding import Rebuilding
from soop_components.release.rollback import Rollback
from soop_components.release.schemas import Schemas
from soop_components.release.shared_steps import SharedSteps
from soop_components.release.signs_of_life import SignsOfLife
from soop_components.release.steps import (
    AcceptVersion,
    Configure,
    HandOver,
    MigrateDown,
    Parallel,
    Pause,
    Rebuild,
    RestoreSnapshot,
    RunHook,
    RunSmokeTests,
    SendBlobs,
    Step,
    TakeSnapshot,
    Watch,
    WriteHosts,
)
from soop_components.release.survey import Survey
from soop_components.release.verdict import RolledBack
from soop_components.waiting import Clock, wait_for_all


class Rollout:
    """One attempt to make all nodes of a service what their plans say; ``roll_out`` drives it."""

    def __init__(
        self,
        wanted: ReleaseInputs,
        previous: ReleaseInputs | None,
        nodes: Mapping[str, Node],
        leaving: Mapping[str, Node],
        blobs: Blobs,
        cancellation: Cancellation,
        progress: Progress,
        rebuilding: Rebuilding,
        clock: Clock | None = None,
        disks: Disks | None = None,
    ) -> None:
        self._attempt = Attempt(wanted, previous, nodes)
        self._blobs = blobs
        self._cancellation = cancellation
        self._rebuilding = rebuilding
        self._disks = disks or Disks()
        self._schemas = Schemas(wanted, previous, nodes)
        self._hooks = HookPrograms(wanted, previous, {**nodes, **leaving})
        self._shared = SharedSteps(wanted, nodes, self._hooks, cancellation, progress, clock or Clock())
        self._signs = SignsOfLife(nodes)
        self._survey = Survey(self._attempt, rebuilding, self._disks, self._schemas, self._signs)
        self._rollback = Rollback(self._attempt, self._hooks, self._disks, self._schemas, rebuilding, progress)
        self.goes_back_alone = self.serve_both
        """Whether a node of which no deployer takes care any more may roll itself back, whatever others do."""

    @property
    def serve_both(self) -> bool:
        """Whether schemas serve the version before throughout."""
        return self._schemas.serve_both

    @property
    def reference(self) -> Reference:
        """What is rolled out."""
        return self._attempt.wanted.reference

    async def look(self) -> None:
        """See what every node is, and that there is room for the snapshots of those that change."""
        await self._cancellation.unless_requested(self._survey.look())
        self._cancellation.check()
        states = self._survey.states
        await self._disks.check([name for name, state in states.items() if state.snapshot and state.has_changes])

    def refuse_changes(self) -> None:
        """Raise ``MustNotChange`` if the rollout would change a node that has accepted a version."""
        self._survey.refuse_changes()

    def order(self) -> RolloutOrder:
        """Return the steps, by what was seen."""
        states, leaving = self._survey.states, self._hooks.leaving
        return rollout_order(self._attempt.wanted, states, FIRST_WAVE, leaving, self._schemas.going)

    async def carry_out(self, steps: Sequence[Step | Parallel]) -> None:
        """Carry out steps one after the other; raises at the first that fails."""
        for step in steps:
            if isinstance(step, Parallel):
                await self._side_by_side(step)
            else:
                self._cancellation.check()
                await self._carry_out_one(step)

    async def held(self) -> str | None:
        """Say why nothing can be rolled back, None if it can; comes before a rollback."""
        return await self._rollback.held(self._survey.states)

    async def roll_back(self) -> RolledBack:
        """Roll back what was configured; a node that cannot be rolled back does not stop the others."""
        return await self._rollback.run(self._survey.states)

    async def end(self) -> None:
        """Give nodes no more signs of life."""
        await self._signs.end()

    async def _side_by_side(self, parallel: Parallel) -> None:
        """Carry out sequences that do not wait for each other; where one fails, the others end with their step."""
        failed = asyncio.Event()

        async def carry_out(lane: Sequence[Step]) -> None:
            for step in lane:
                if failed.is_set():
                    return
                try:
                    await self.carry_out([step])
                except BaseException:
                    failed.set()
                    raise

        await wait_for_all(map(carry_out, parallel.lanes))

    async def _carry_out_one(self, step: Step) -> None:
        attempt = self._attempt
        if isinstance(step, Configure | HandOver | Rebuild | RestoreSnapshot):
            await self._schemas.announce(filter(self._serves_newer, step.nodes))
            attempt.begin(step.nodes)
        match step:
            case WriteHosts(names):
                await wait_for_all(attempt.nodes[name].hosts(attempt.names) for name in names)
            case SendBlobs(names):
                await wait_for_all(self._send_blobs(name) for name in names)
            case TakeSnapshot() | RestoreSnapshot():
                await self._disks.carry_out(step, attempt.nodes, attempt.previous)
            case HandOver() | Rebuild():
                await self._rebuilding.carry_out(step, attempt)
            case Configure(names):
                await wait_for_all(self._configure(name) for name in names)
            case MigrateDown():
                await self._schemas.carry_out(step)
            case RunHook() | Watch() | Pause() | RunSmokeTests():
                await self._shared.carry_out(step)
            case AcceptVersion(names):
                await wait_for_all(self._accept(name) for name in names)
            case _:
                assert_never(step)

    def _serves_newer(self, name: str) -> bool:
        """Return whether a node still has the version before, with its data."""
        state, known = self._survey.states[name], self._attempt.previous
        is_untouched = name not in self._attempt.configured
        return is_untouched and state.answers and state.has_accepted and known is not None and name in known.nodes

    async def _send_blobs(self, name: str) -> None:
        missing = self._survey.states[name].missing
        node = self._attempt.nodes[name]
        await node.progress.show(f"sending {len(missing)} blobs")
        await node.receive(missing, self._blobs)

    async def _configure(self, name: str) -> None:
        attempt = self._attempt
        within = attempt.wanted.accept_within(name) if self.goes_back_alone else 0
        self._signs.begin(name, within)
        try:
            await attempt.nodes[name].apply(
                attempt.wanted.documents[name],
                attempt.wanted.secrets,
                attempt.previous_secrets,
                attempt.names,
                attempt.last_good(name),
                attempt.programs(name),
                within,
            )
        except NodeFailure as failure:
            attempt.failed(name, failure)
            raise
        attempt.succeeded(name)

    async def _accept(self, name: str) -> None:
        attempt = self._attempt
        digest = attempt.wanted.plan_digest(name)
        await attempt.nodes[name].accept(digest, attempt.programs(name), attempt.last_good(name))

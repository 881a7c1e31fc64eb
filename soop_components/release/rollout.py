"""Carries the order of a rollout out on the nodes, and rolls them back when a step fails."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import assert_never

from soop_components.errors import SoopError
from soop_components.model.names import Reference
from soop_components.release.cancellation import Cancellation
from soop_components.release.disks import Disks
from soop_components.release.hooks import HookPrograms, attempts
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Blobs, Node, NodeFailure, Progress
from soop_components.release.order import (
    FIRST_WAVE,
    NodeState,
    RolloutOrder,
    nodes_to_roll_back,
    rollback_order,
    rollout_order,
)
from soop_components.release.rebuilding import Rebuilding
from soop_components.release.schemas import Schemas
from soop_components.release.signs_of_life import SignsOfLife
from soop_components.release.smoke_tests import SmokeTests
from soop_components.release.snapshots import snapshot_of
from soop_components.release.steps import (
    AcceptVersion,
    Configure,
    MigrateDown,
    Parallel,
    Pause,
    Rebuild,
    RestoreSnapshot,
    RollBack,
    RunHook,
    RunSmokeTests,
    SendBlobs,
    ServiceStep,
    Step,
    TakeSnapshot,
    Watch,
    WriteHosts,
)
from soop_components.release.verdict import MustNotChange, RolledBack
from soop_components.release.watching import watch
from soop_components.runner.protocol import Failed, Inspected
from soop_components.waiting import Clock, wait_for_all

_ROLLBACK_PATIENCE = 10.0
"""Seconds a node may take until it answers when it is to be rolled back; one that was lost was waited for already."""


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
        self._wanted = wanted
        self._previous = previous
        self._previous_secrets = previous.secrets if previous else wanted.secrets
        self._names = wanted.names(previous)
        self._nodes = nodes
        self._hooks = HookPrograms(wanted, previous, {**nodes, **leaving})
        self._rebuilding = rebuilding
        self._blobs = blobs
        self._cancellation = cancellation
        self._progress = progress
        self._clock = clock or Clock()
        self._disks = disks or Disks()
        self._signs = SignsOfLife(nodes)
        self._states: Mapping[str, NodeState] = {}
        self._found: Mapping[str, Inspected] = {}
        self._configured: list[str] = []
        """Nodes on which an apply was begun, in this order."""
        self._down: set[str] = set()
        """Those of them on which it did not succeed."""
        self._rolled_back: set[str] = set()
        """Those that have rolled themselves back."""
        self._own_failures: dict[str, Failed] = {}
        """Why others of them could not."""
        self._schemas = Schemas(wanted, previous, nodes)
        self.goes_back_alone = self.serve_both
        """Whether a node of which no deployer takes care any more may roll itself back, whatever others do."""

    @property
    def serve_both(self) -> bool:
        """Whether schemas serve the version before throughout."""
        return self._schemas.serve_both

    @property
    def reference(self) -> Reference:
        """What is rolled out."""
        return self._wanted.reference

    async def look(self) -> None:
        """See what every node is."""
        self._states = await self._cancellation.unless_requested(self._look())
        self._cancellation.check()
        await self._disks.check([name for name, state in self._states.items() if state.snapshot and state.has_changes])

    def refuse_changes(self) -> None:
        """Raise ``MustNotChange`` if the rollout would change a node that has accepted a version."""
        for name, found in self._found.items():
            good = found.last_good
            if good and (found.changes or good.plan_digest != self._wanted.documents[name]["plan_digest"]):
                raise MustNotChange(name, good.reference)

    def order(self) -> RolloutOrder:
        """Return the steps, by what was seen."""
        return rollout_order(self._wanted, self._states, FIRST_WAVE, self._hooks.leaving, self._schemas.going)

    async def carry_out(self, steps: Sequence[Step | Parallel]) -> None:
        """Carry out steps one after the other; raises at the first that fails."""
        for step in steps:
            if isinstance(step, Parallel):
                await self._side_by_side(step)
                continue
            self._cancellation.check()
            if isinstance(step, Configure | Rebuild | RestoreSnapshot):
                self._begin(step.nodes)
            if isinstance(step, TakeSnapshot | RestoreSnapshot):
                await self._disks.carry_out(step, self._nodes, self._previous)
            elif isinstance(step, MigrateDown):
                await self._schemas.carry_out(step)
            else:
                await self._carry_out_one(step)

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

    async def end(self) -> None:
        """Give nodes no more signs of life."""
        await self._signs.end()

    async def _look(self) -> Mapping[str, NodeState]:
        """Reach every node and see what is there; an apply that is still at work is waited for."""
        await wait_for_all(map(self._rebuilding.open, self._nodes))
        found = await wait_for_all(map(self._inspect, self._nodes))
        self._found = {name: answer for name, answer in zip(self._nodes, found, strict=True) if answer}
        known = self._known(found)
        if restored := self._schemas.restored:
            await self._disks.go_back(self._wanted, restored)
        labels = {name: snapshot_of(self._previous, self._wanted, name, self._schemas.going) for name in self._nodes}
        await self._disks.look({name: label for name, label in labels.items() if label})
        return {name: self._state(name, answer, name in known) for name, answer in zip(self._nodes, found, strict=True)}

    async def _inspect(self, name: str) -> Inspected | None:
        """Look at a node, and give it signs of life from then on: others may be waited for much longer."""
        found = await self._rebuilding.inspect(name, self._last_good(name))
        self._signs.begin(name, found.rolls_back_within if found else 0)
        return found

    def _known(self, found: Sequence[Inspected | None]) -> Collection[str]:
        """Return the nodes of which the state names a version; without a state, all if they have accepted the same."""
        if self._previous is not None:
            return self._previous.nodes.keys()
        versions = {answer and answer.last_good and answer.last_good._replace(plan_digest="") for answer in found}
        return self._nodes.keys() if len(versions) == 1 else ()

    def _last_good(self, name: str) -> str | None:
        """Return the plan digest that the state names for a node."""
        document = self._previous.documents.get(name) if self._previous else None
        return str(document["plan_digest"]) if document else None

    def _state(self, name: str, found: Inspected | None, is_known: bool) -> NodeState:
        to_rebuild = self._rebuilding.is_due(name, found)
        if found is None:
            return NodeState(False, is_known, True, (), has_changes=True, to_rebuild=True, answers=False)
        good = found.last_good
        if good and good.service != self._wanted.reference.service:
            raise SoopError(
                f"{name}: the machine already serves {good.reference}",
                "nodes are not shared between services: give this service a machine of its own",
            )
        has_new_secrets = self._previous_secrets != self._wanted.secrets
        differs = good is not None and good.plan_digest != self._wanted.documents[name]["plan_digest"]
        return NodeState(
            has_accepted=good is not None,
            can_roll_back=good is not None and is_known and (differs or has_new_secrets),
            is_last_good=good == found.running and not (has_new_secrets and not found.changes),
            missing=self._rebuilding.needed(name, found) if to_rebuild else found.missing,
            has_changes=to_rebuild or bool(found.changes),
            to_rebuild=to_rebuild,
            snapshot=self._disks.label(name, found.has_other_disk) if self._is_untouched(found) else None,
            restore=self._disks.restores.get(name),
        )

    def _is_untouched(self, found: Inspected) -> bool:
        """Return whether no attempt has begun to change a node since its version was accepted.

        A snapshot that was taken before such an attempt is not replaced by what the attempt has left.
        """
        return found.running == found.last_good and all(change.kind != "apply" for change in found.changes)

    async def _carry_out_one(self, step: ServiceStep) -> None:
        match step:
            case WriteHosts(names):
                await wait_for_all(self._nodes[name].hosts(self._names) for name in names)
            case SendBlobs(names):
                await wait_for_all(self._send_blobs(name) for name in names)
            case Rebuild(names):
                await wait_for_all(self._rebuilding.rebuild(name, self._wanted, self._names) for name in names)
            case Configure(names):
                await wait_for_all(self._configure(name) for name in names)
            case RunHook(names, hook):
                await wait_for_all(self._hooks.run(name, hook) for name in names)
            case Watch(names, seconds):
                await self._progress.show(f"watching {', '.join(names)} for {seconds} s")
                watching = watch(self._wanted, [self._nodes[name] for name in names], seconds, self._clock)
                await self._cancellation.unless_requested(watching)
            case Pause(seconds):
                await self._progress.show(f"pausing for {seconds} s")
                await self._cancellation.unless_requested(self._clock.sleep(seconds))
            case RunSmokeTests():
                await self._progress.show("smoke tests")
                await SmokeTests(self._wanted, self._nodes, self._cancellation).run()
            case AcceptVersion(names):
                await wait_for_all(self._accept(name) for name in names)
            case _:
                assert_never(step)

    async def _send_blobs(self, name: str) -> None:
        missing = self._states[name].missing
        await self._nodes[name].progress.show(f"sending {len(missing)} blobs")
        await self._nodes[name].receive(missing, self._blobs)

    def _begin(self, names: Sequence[str]) -> None:
        """Note that nodes are changed from now on."""
        self._configured += [name for name in names if name not in self._configured]
        self._down.update(names)

    async def _configure(self, name: str) -> None:
        document, secrets, before = self._wanted.documents[name], self._wanted.secrets, self._previous_secrets
        within = self._wanted.accept_within(name) if self.goes_back_alone else 0
        self._signs.begin(name, within)
        try:
            good, programs = self._last_good(name), self._programs(name)
            await self._nodes[name].apply(document, secrets, before, self._names, good, programs, within)
        except NodeFailure as failure:
            if failure.failed.rolled_back:
                self._rolled_back.add(name)
            elif failure.failed.rollback_failure:
                self._own_failures[name] = failure.failed.rollback_failure
            raise
        self._down.discard(name)

    async def _accept(self, name: str) -> None:
        digest = self._wanted.documents[name]["plan_digest"]
        await self._nodes[name].accept(digest, self._programs(name), self._last_good(name))

    def _programs(self, name: str) -> set[str]:
        """Return the digests of blobs with programs that a rollout or its rollback runs on a node."""
        releases = [release for release in (self._previous, self._wanted) if release and name in release.nodes]
        return {blob for release in releases for blob in release.program_blobs(name)}

    async def held(self) -> str | None:
        """Say why nothing can be rolled back, None if it can; comes before a rollback."""
        bound = await self._schemas.bound(self._configured)
        self._disks.bind(bound)
        return self._schemas.held(bound - self._disks.restores_in_rollback(bound).keys())

    async def roll_back(self) -> RolledBack:
        """Roll back what was configured; a node that cannot be rolled back does not stop the others."""
        to_roll_back = nodes_to_roll_back(self._configured, self._states)
        restores = self._disks.restores_in_rollback(to_roll_back)
        left = [name for name in to_roll_back if name not in self._rolled_back or name in restores]
        serving = await asyncio.gather(*map(self._serves, left))
        down = [name for name, serves in zip(left, serving, strict=True) if not serves]
        failures: dict[str, BaseException] = {}
        failed_hooks: list[tuple[str, BaseException]] = []
        for step in rollback_order(self._wanted, left, down, self._hooks.drained, self._hooks.left, restores):
            match step:
                case RestoreSnapshot(names, label):
                    failures |= await attempts(names, partial(self._restore, label))
                case RollBack(names):
                    await self._progress.show(f"rolling back {len(names)} nodes")
                    there = [name for name in names if name not in failures]
                    failures |= await attempts(there, self._roll_back_one)
                case RunHook(names, hook):
                    there = [name for name in names if name not in failures]
                    failed_hooks += (await attempts(there, partial(self._hooks.run_in_rollback, hook))).items()
        rolled_back = sorted(set(to_roll_back) - set(failures))
        return RolledBack(rolled_back, failures, self._own_failures, failed_hooks, made_anew=self._made_anew())

    def _made_anew(self) -> list[str]:
        """Return nodes of the version before with machines that are new, so that they stay as the rollout left them."""
        known = self._previous.nodes if self._previous else {}
        new = {name for name in known if (state := self._states.get(name)) and not state.has_accepted}
        changed = {*self._configured, *(name for name in new if not self._states[name].is_last_good)}
        return sorted(name for name in new & changed if not self._states[name].can_roll_back)

    async def _serves(self, name: str) -> bool:
        """Return whether a node that is to be rolled back is of use to anybody until then."""
        if name in self._down or name in self._schemas.migrated_down:
            return False
        try:
            return (await self._nodes[name].status(_ROLLBACK_PATIENCE)).healthy
        except Exception:  # whatever it is, it stops no rollback
            return False

    async def _restore(self, label: str, name: str) -> None:
        await self._disks.restore(self._nodes[name], label)

    async def _roll_back_one(self, name: str) -> None:
        if name in self._rebuilding.begun and self._previous is not None:
            await self._rebuilding.give_last_good(name, self._previous, self._names)
            return
        await self._nodes[name].open(_ROLLBACK_PATIENCE)
        await self._nodes[name].roll_back(self._previous_secrets, self._names, self._last_good(name))

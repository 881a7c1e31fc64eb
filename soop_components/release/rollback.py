"""Rolls back what a rollout has touched."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from functools import partial

from soop_components.release.attempt import Attempt
from soop_components.release.disks import Disks
from soop_components.release.hooks import HookPrograms, attempts
from soop_components.release.node import Progress
from soop_components.release.order import NodeState, nodes_to_roll_back, rollback_order
from soop_components.release.rebuilding import Rebuilding
from soop_components.release.schemas import Schemas
from soop_components.release.steps import RestoreSnapshot, RollBack, RunHook
from soop_components.release.verdict import RolledBack

_PATIENCE = 10.0
"""Seconds a node may take until it answers; one that was lost was waited for already."""


class Rollback:
    """The rollback of an attempt that has failed."""

    def __init__(
        self,
        attempt: Attempt,
        hooks: HookPrograms,
        disks: Disks,
        schemas: Schemas,
        rebuilding: Rebuilding,
        progress: Progress,
    ) -> None:
        self._attempt = attempt
        self._hooks = hooks
        self._disks = disks
        self._schemas = schemas
        self._rebuilding = rebuilding
        self._progress = progress

    async def held(self, states: Mapping[str, NodeState]) -> str | None:
        """Say why nothing can be rolled back, None if it can; comes before ``run``."""
        configured = self._attempt.configured
        to_roll_back = nodes_to_roll_back(configured, states)
        moved = {name for name in to_roll_back if self._is_moved(name, states[name])}
        kept = {name for name in moved if states[name].snapshot}
        asked = await self._schemas.bound({*configured, *to_roll_back})
        # What an earlier attempt has begun may have been a version that breaks nothing.
        unsure = asked.silent.difference(configured)
        bound = (asked.known | asked.silent | kept) - unsure
        self._disks.bind(bound)
        return self._schemas.held((bound - self._disks.restores_in_rollback(bound).keys()) | unsure | (moved - kept))

    def _is_moved(self, name: str, state: NodeState) -> bool:
        """Return whether a new machine was to read a node's data, on which the version before does not run then.

        Where an attempt before this one has made it, nobody knows which snapshot is of the data that was moved.
        """
        is_new = name in self._rebuilding.begun or not (state.has_accepted or state.to_rebuild)
        return is_new and self._attempt.moves_data(name)

    async def run(self, states: Mapping[str, NodeState]) -> RolledBack:
        """Roll back what was configured, or found changed; a node where that fails does not stop the others."""
        attempt = self._attempt
        to_roll_back = nodes_to_roll_back(attempt.configured, states)
        restores = self._disks.restores_in_rollback(to_roll_back)
        left = [name for name in to_roll_back if name not in attempt.rolled_back or name in restores]
        serving = await asyncio.gather(*map(self._serves, left))
        down = [name for name, serves in zip(left, serving, strict=True) if not serves]
        failures: dict[str, BaseException] = {}
        failed_hooks: list[tuple[str, BaseException]] = []
        hooks = self._hooks
        for step in rollback_order(
            attempt.wanted, left, down, hooks.drained, hooks.left, restores, strangers=hooks.strangers
        ):
            match step:
                case RestoreSnapshot(names, label):
                    failures |= await attempts(names, partial(self._restore, label))
                case RollBack(names):
                    await self._progress.show(f"rolling back {len(names)} nodes")
                    there = [name for name in names if name not in failures]
                    new = {name for name in there if not states[name].has_accepted}
                    failures |= await attempts(there, partial(self._roll_back, new))
                case RunHook(names, hook):
                    there = [name for name in names if name not in failures]
                    failed_hooks += (await attempts(there, partial(self._hooks.run_in_rollback, hook))).items()
        rolled_back = sorted(set(to_roll_back) - set(failures))
        made_anew = self._made_anew(states)
        return RolledBack(rolled_back, failures, attempt.own_failures, failed_hooks, made_anew=made_anew)

    def _made_anew(self, states: Mapping[str, NodeState]) -> list[str]:
        """Return nodes of the version before with machines that are new, so that they stay as the rollout left them."""
        known = self._attempt.previous.nodes if self._attempt.previous else {}
        new = {name for name in known if (state := states.get(name)) and not state.has_accepted}
        changed = {*self._attempt.configured, *(name for name in new if not states[name].is_last_good)}
        return sorted(name for name in new & changed if not states[name].can_roll_back)

    async def _serves(self, name: str) -> bool:
        """Return whether a node that is to be rolled back is of use to anybody until then."""
        if name in self._attempt.down or name in self._schemas.migrated_down:
            return False
        try:
            return (await self._attempt.nodes[name].status(_PATIENCE)).healthy
        except Exception:  # whatever it is, it stops no rollback
            return False

    async def _restore(self, label: str, name: str) -> None:
        await self._disks.restore(self._attempt.nodes[name], label)

    async def _roll_back(self, new: Collection[str], name: str) -> None:
        attempt = self._attempt
        if name in {*new, *self._rebuilding.begun} and attempt.previous is not None:
            await self._rebuilding.give_last_good(name, attempt.previous, attempt.names)
            self._hooks.made_anew.add(name)
            return
        node = attempt.nodes[name]
        await node.open(_PATIENCE)
        await node.roll_back(attempt.previous_secrets, attempt.names, attempt.last_good(name))

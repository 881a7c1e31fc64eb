"""Looks at all nodes of a service before a rollout changes any of them."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence

from soop_components.errors import SoopError
from soop_components.release.attempt import Attempt
from soop_components.release.disks import Disks
from soop_components.release.order import NodeState
from soop_components.release.rebuilding import Rebuilding
from soop_components.release.schemas import Schemas
from soop_components.release.signs_of_life import SignsOfLife
from soop_components.release.snapshots import snapshot_of
from soop_components.release.verdict import MustNotChange
from soop_components.runner.protocol import Inspected
from soop_components.waiting import wait_for_all

_ON_THE_WAY = 60.0
"""Seconds by which clocks seem to differ that may be the time which an answer takes."""


class Survey:
    """What the nodes of an attempt are, and which snapshots there are of their disks."""

    def __init__(
        self, attempt: Attempt, rebuilding: Rebuilding, disks: Disks, schemas: Schemas, signs: SignsOfLife
    ) -> None:
        self.states: Mapping[str, NodeState] = {}
        self._attempt = attempt
        self._rebuilding = rebuilding
        self._disks = disks
        self._schemas = schemas
        self._signs = signs
        self._found: Mapping[str, Inspected | None] = {}
        self._ahead: dict[str, float] = {}
        """By how many seconds the clocks of nodes are ahead of ours, which says when snapshots were taken."""

    async def look(self) -> None:
        """Reach every node and see what is there; an apply that is still at work is waited for."""
        nodes = self._attempt.nodes
        await wait_for_all(map(self._rebuilding.open, nodes))
        self._found = dict(zip(nodes, await wait_for_all(map(self._inspect, nodes)), strict=True))
        known = self._known(list(self._found.values()))
        await self._look_for_snapshots()
        self.states = {name: self._state(name, found, name in known) for name, found in self._found.items()}
        begun = {name: found for name, found in self._found.items() if found and _was_attempted(found)}
        self._disks.count_on_earlier(
            {
                name: found.good_since - self._ahead.get(name, 0)
                for name, found in begun.items()
                if not self.states[name].snapshot
            },
            self._attempt.previous,
        )

    def refuse_changes(self) -> None:
        """Raise ``MustNotChange`` if the rollout would change a node that has accepted a version."""
        for name, found in self._found.items():
            good = found.last_good if found else None
            if found and good and (found.changes or good.plan_digest != self._attempt.wanted.plan_digest(name)):
                raise MustNotChange(name, good.reference)

    async def _inspect(self, name: str) -> Inspected | None:
        """Look at a node, and give it signs of life from then on: others may be waited for much longer."""
        found = await self._rebuilding.inspect(name, self._attempt.last_good(name))
        self._signs.begin(name, found.rolls_back_within if found else 0)
        ahead = found.clock - time.time() if found and found.clock else 0
        if abs(ahead) > _ON_THE_WAY:
            self._ahead[name] = ahead
        return found

    async def _look_for_snapshots(self) -> None:
        previous, wanted, going = self._attempt.previous, self._attempt.wanted, self._schemas.going
        if restored := self._schemas.restored:
            await self._disks.go_back(wanted, restored)
        labels = {name: snapshot_of(previous, wanted, name, going) for name in self._attempt.nodes}
        await self._disks.look({name: label for name, label in labels.items() if label})

    def _known(self, found: Sequence[Inspected | None]) -> Collection[str]:
        """Return the nodes of which the state names a version; without a state, all if they have accepted the same."""
        if self._attempt.previous is not None:
            return self._attempt.previous.nodes.keys()
        versions = {answer and answer.last_good and answer.last_good._replace(plan_digest="") for answer in found}
        return self._attempt.nodes.keys() if len(versions) == 1 else ()

    def _state(self, name: str, found: Inspected | None, is_known: bool) -> NodeState:
        to_rebuild = self._rebuilding.is_due(name, found)
        moves = is_known and self._attempt.moves_data(name)
        if found is None:
            if moves:
                raise SoopError(f"{name} does not answer, and its machine must hand data over to the new one")
            return NodeState(False, is_known, True, (), has_changes=True, to_rebuild=True, answers=False)
        good, wanted = found.last_good, self._attempt.wanted
        if good and good.service != wanted.reference.service:
            raise SoopError(
                f"{name}: the machine already serves {good.reference}",
                "nodes are not shared between services: give this service a machine of its own",
            )
        has_new_secrets = self._attempt.previous_secrets != wanted.secrets
        digest = self._last_good(name, found)
        hands_over = moves and to_rebuild
        is_untouched = _is_untouched(found) and (good is not None or not moves)
        serves_older = hands_over and found.running is not None  # what is handed over then is what it serves now
        return NodeState(
            has_accepted=good is not None,
            can_roll_back=is_known and digest is not None and (digest != wanted.plan_digest(name) or has_new_secrets),
            is_last_good=good == found.running and not (has_new_secrets and not found.changes),
            missing=self._rebuilding.needed(name, found) if to_rebuild else found.missing,
            has_changes=to_rebuild or bool(found.changes),
            to_rebuild=to_rebuild,
            hands_over=hands_over,
            snapshot=self._disks.label(name, found.has_other_disk) if is_untouched or serves_older else None,
            restore=self._disks.restores.get(name),
        )

    def _last_good(self, name: str, found: Inspected) -> str | None:
        """Return the digest of the plan that a rollback gives a node.

        One whose machine is new can have what the state names on another machine, where such can be made.
        """
        if found.last_good:
            return found.last_good.plan_digest
        return self._attempt.last_good(name) if self._rebuilding.is_possible else None


def _is_untouched(found: Inspected) -> bool:
    """Return whether no attempt has begun to change a node since its version was accepted.

    A snapshot that was taken before such an attempt is not replaced by what the attempt has left.
    """
    return found.running == found.last_good and all(change.kind != "apply" for change in found.changes)


def _was_attempted(found: Inspected) -> bool:
    """Return whether another version was begun since; not of a repair that did not come to its end.

    That has taken no snapshot, and older ones are not of what is on the disk.
    """
    return not _is_untouched(found) and not found.running == found.last_good == found.begun

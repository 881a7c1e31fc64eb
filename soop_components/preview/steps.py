"""The steps of a rollout that is not begun yet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import assert_never

from soop_components.preview.facts import StepFact, StepKind
from soop_components.release.downgrade import Downgrade
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.moves import moved_roles
from soop_components.release.order import FIRST_WAVE, NodeState, rollout_order
from soop_components.release.snapshots import snapshot_of
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

Lanes = tuple[tuple[StepFact, ...], ...]
_KINDS: Mapping[type, StepKind] = {
    WriteHosts: "hosts",
    SendBlobs: "send",
    HandOver: "hand_over",
    TakeSnapshot: "snapshot",
    RestoreSnapshot: "restore",
    Rebuild: "rebuild",
    Configure: "configure",
    AcceptVersion: "accept",
}


def steps_of(
    release: ReleaseInputs,
    serving: Collection[str],
    changing: Collection[str],
    leaving: list[str],
    before: ReleaseInputs | None = None,
    rebuilt: Collection[str] = (),
    going: Downgrade | None = None,
) -> tuple[Lanes, ...]:
    """Return the steps in their order, as the release decides it; ``serving`` have accepted a version before.

    ``before`` is what was accepted, ``going`` how migrations are undone.
    """
    moved = moved_roles(before, release)
    states = {
        name: NodeState(
            has_accepted=name in serving,
            can_roll_back=name in serving,
            is_last_good=True,
            missing=(),
            has_changes=name in changing,
            snapshot=snapshot_of(before, release, name, going) if name in serving else None,
            restore=f"of {release.reference}" if going and node.role in going.restored else None,
            to_rebuild=name in rebuilt,
            hands_over=name in rebuilt and node.role in moved,
        )
        for name, node in release.nodes.items()
    }
    order = rollout_order(release, states, FIRST_WAVE, leaving, going).steps
    lanes = (step.lanes if isinstance(step, Parallel) else ((step,),) for step in order)
    facts = (tuple(tuple(map(step_fact, lane)) for lane in each if lane) for each in lanes)
    return tuple(each for each in facts if each)


def step_fact(step: Step) -> StepFact:
    """Return a step as a fact."""
    match step:
        case (
            WriteHosts(nodes)
            | SendBlobs(nodes)
            | HandOver(nodes)
            | Rebuild(nodes)
            | Configure(nodes)
            | AcceptVersion(nodes)
        ):
            return StepFact(kind=_KINDS[type(step)], nodes=nodes)
        case RunSmokeTests(nodes, tests):
            return StepFact(kind="smoke_tests", nodes=nodes, tests=tests)
        case TakeSnapshot(nodes, label) | RestoreSnapshot(nodes, label):
            return StepFact(kind=_KINDS[type(step)], nodes=nodes, label=label)
        case RunHook(nodes, hook):
            return StepFact(kind="hook", nodes=nodes, hook=hook)
        case Watch(nodes, seconds):
            return StepFact(kind="watch", nodes=nodes, seconds=seconds)
        case MigrateDown(nodes, targets):
            return StepFact(kind="migrate_down", nodes=nodes, down_to=dict(targets))
        case Pause(seconds):
            return StepFact(kind="pause", seconds=seconds)
        case _:
            assert_never(step)

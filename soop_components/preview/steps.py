"""The steps of a rollout that is not begun yet."""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import assert_never

from soop_components.preview.facts import StepFact
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.order import (
    AcceptVersion,
    Configure,
    NodeState,
    Parallel,
    Pause,
    RunHook,
    RunSmokeTests,
    SendBlobs,
    Step,
    Watch,
    WriteHosts,
    rollout_order,
)

Lanes = tuple[tuple[StepFact, ...], ...]
_FIRST_WAVE = 8 * len(os.sched_getaffinity(0))


def steps_of(
    release: ReleaseInputs, serving: Collection[str], changing: Collection[str], leaving: list[str]
) -> tuple[Lanes, ...]:
    """Return the steps in their order, as the release decides it; ``serving`` have accepted a version before."""
    states = {
        name: NodeState(
            has_accepted=name in serving,
            can_roll_back=name in serving,
            is_last_good=True,
            missing=(),
            has_changes=name in changing,
        )
        for name in release.nodes
    }
    order = rollout_order(release, states, _FIRST_WAVE, leaving).steps
    lanes = (step.lanes if isinstance(step, Parallel) else ((step,),) for step in order)
    facts = (tuple(tuple(map(step_fact, lane)) for lane in each if lane) for each in lanes)
    return tuple(each for each in facts if each)


def step_fact(step: Step) -> StepFact:
    """Return a step as a fact."""
    match step:
        case WriteHosts(nodes):
            return StepFact(kind="hosts", nodes=nodes)
        case SendBlobs(nodes):
            return StepFact(kind="send", nodes=nodes)
        case Configure(nodes):
            return StepFact(kind="configure", nodes=nodes)
        case RunHook(nodes, hook):
            return StepFact(kind="hook", nodes=nodes, hook=hook)
        case Watch(nodes, seconds):
            return StepFact(kind="watch", nodes=nodes, seconds=seconds)
        case Pause(seconds):
            return StepFact(kind="pause", seconds=seconds)
        case RunSmokeTests(nodes):
            return StepFact(kind="smoke_tests", nodes=nodes)
        case AcceptVersion(nodes):
            return StepFact(kind="accept", nodes=nodes)
        case _:
            assert_never(step)

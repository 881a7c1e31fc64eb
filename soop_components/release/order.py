"""The orders of rollouts, rollbacks and restarts, decided before anything is changed."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import NamedTuple

from soop_components.errors import SoopError
from soop_components.model.duration import seconds_of
from soop_components.model.plan import RolePlan
from soop_components.model.service import HookName
from soop_components.release.downgrade import Downgrade, Targets
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.steps import (
    AcceptVersion,
    Configure,
    DiskStep,
    HandOver,
    MigrateDown,
    Parallel,
    Pause,
    Rebuild,
    RestartServices,
    RestartStep,
    RestoreSnapshot,
    RollBack,
    RollbackStep,
    RunHook,
    RunSmokeTests,
    SendBlobs,
    Step,
    TakeSnapshot,
    Watch,
    WriteHosts,
)

FIRST_WAVE = 8 * len(os.sched_getaffinity(0))
"""New nodes that are configured at once: more on this computer's processors, and health checks time out."""


@dataclass(frozen=True)
class NodeState:
    """A node as it was found."""

    has_accepted: bool
    """Whether a version was accepted on it before, so that it serves somebody."""
    can_roll_back: bool
    """Whether it has a last good version, which differs from what is rolled out."""
    is_last_good: bool
    """Whether it runs its last good version; an earlier attempt that was killed may have left another one."""
    missing: tuple[str, ...]
    """Digests of the blobs that it needs and does not have."""
    has_changes: bool
    snapshot: str | None = None
    """Label of the snapshot that its disk gets before it is changed."""
    restore: str | None = None
    """Label of the snapshot that is put on its disk before it is changed."""
    to_rebuild: bool = False
    """Whether it gets a new machine in place of the one it has."""
    hands_over: bool = False
    """Whether that machine hands the data on its disk over to the new one."""
    answers: bool = True
    """Whether it could be looked at; only a node that is to be rebuilt need not."""


class RolloutOrder(NamedTuple):
    """The stages of a rollout; services that are deployed together all end one before any begins the next."""

    prepare: list[Step | Parallel]
    """Bring to the nodes what they need; nothing that serves is touched."""
    change: list[Step | Parallel]
    test: list[Step | Parallel]
    leave: list[Step | Parallel]
    accept: list[Step | Parallel]

    @property
    def steps(self) -> list[Step | Parallel]:
        """All of them in a row."""
        return [step for stage in self for step in stage]


def rollout_order(
    release: ReleaseInputs,
    states: Mapping[str, NodeState],
    first_wave: int,
    leaving: Sequence[str] = (),
    going: Downgrade | None = None,
) -> RolloutOrder:
    """Return the steps that lead to an accepted release; each waits for the one before it.

    ``first_wave`` is how many new nodes this computer can configure at once. ``leaving`` are the nodes with a hook
    ``leave`` that will be removed, one after the other. ``going`` says which migrations are undone: what keeps older
    programs from running as soon as the nodes of the database are configured, the rest when all is back and tested.
    """
    everywhere = tuple(release.nodes)
    answering = tuple(name for name in everywhere if states[name].answers)
    order = RolloutOrder([WriteHosts(answering)], [], [], [], [AcceptVersion(everywhere)])
    if incomplete := tuple(name for name in everywhere if states[name].missing):
        order.prepare.append(SendBlobs(incomplete))
    for group in _role_groups(release.roles):
        wave = first_wave // len(group)
        lanes = (
            (*_role_steps(release, role, states, wave), *_down(release, role, going.first(role) if going else ()))
            for role in group
        )
        order.change.append(Parallel(tuple(lanes)))
    if release.smoke_tests:
        order.test.append(RunSmokeTests(everywhere))
    for role in release.roles:
        order.leave.extend(_down(release, role, going.last(role) if going else ()))
    order.leave.extend(RunHook((name,), "leave") for name in leaving)
    return order


def restart_order(release: ReleaseInputs, nodes: Collection[str]) -> list[RestartStep]:
    """Return the steps that restart the services of some nodes, role after role, in the batches of an upgrade."""
    states = {name: NodeState(True, False, True, (), name in nodes) for name in release.nodes}
    roles = [role for group in _role_groups(release.roles) for role in group]
    steps = [step for role in roles for step in _role_steps(release, role, states, 1)]
    order: list[RestartStep] = []
    for step in steps:
        if isinstance(step, Configure):
            order.append(RestartServices(step.nodes))
        elif isinstance(step, RunHook | Watch | Pause | RunSmokeTests):
            order.append(step)
    return [*order, RunSmokeTests(tuple(release.nodes))] if release.smoke_tests else order


def nodes_to_roll_back(configured: Collection[str], states: Mapping[str, NodeState]) -> list[str]:
    """Return the nodes that may not run their last good version: the longest untouched first.

    Besides those that were ``configured`` (the oldest change first), those that an earlier attempt left so.
    """
    left = [name for name, state in states.items() if not state.is_last_good and name not in configured]
    return [name for name in [*left, *configured] if states[name].can_roll_back]


def rollback_order(
    release: ReleaseInputs,
    nodes: Sequence[str],
    down: Collection[str],
    drained: Collection[str] = (),
    left: Sequence[str] = (),
    restores: Mapping[str, str] | None = None,
    *,
    strangers: Sequence[str] = (),
) -> list[RollbackStep]:
    """Return the steps of a rollback.

    ``nodes`` are in the order in which they were changed; those that are down serve nobody and come first, all at once;
    others in batches, the last changed first. Before that, nodes that have ``left`` join again, and nodes that were
    ``drained`` and have nothing to be rolled back are undrained. ``restores`` are the labels of snapshots that are put
    on the disks of some of ``nodes`` before they are rolled back. ``strangers``, which have joined and are new, leave
    one after the other when the others are back: they may be removed before anybody tries again.
    """
    labels = restores or {}
    first = tuple(name for name in nodes if name in down)
    untouched = tuple(sorted(set(drained) - set(nodes)))
    order: list[RollbackStep] = [RunHook(tuple(left), "join"), RunHook(untouched, "undrain")]
    order += [*_restores(first, labels), RollBack(first), RunHook(first, "undrain")]
    serving = [name for name in reversed(nodes) if name not in down]
    for role in dict.fromkeys(release.nodes[name].role for name in serving):
        names = [name for name in serving if release.nodes[name].role == role]
        for batch in map(tuple, batches(names, 0, release.roles[role].rollout.max_in_flight)):
            order += [RunHook(batch, "drain"), *_restores(batch, labels), RollBack(batch), RunHook(batch, "undrain")]
    order += [RunHook((name,), "leave") for name in strangers]
    return [step for step in order if step.nodes]


def _restores(batch: Sequence[str], labels: Mapping[str, str]) -> list[RestoreSnapshot]:
    return [RestoreSnapshot(names, label) for label, names in _by_label({name: labels.get(name) for name in batch})]


def _role_groups(roles: Mapping[str, RolePlan]) -> Iterator[list[str]]:
    """Yield roles in the order of ``after``; roles of one group do not wait for each other."""
    sorter = TopologicalSorter({role: set(plan.after) & roles.keys() for role, plan in roles.items()})
    try:
        sorter.prepare()
    except CycleError as error:
        raise SoopError(f"roles wait for each other: {' after '.join(error.args[1][::-1])}") from error
    while group := sorted(sorter.get_ready()):
        yield group
        sorter.done(*group)


def _role_steps(release: ReleaseInputs, role: str, states: Mapping[str, NodeState], first_wave: int) -> Iterator[Step]:
    """Yield the steps for new nodes, which serve nobody yet, in large batches unless they start one by one; then for
    those that serve.
    """
    rollout, hooks = release.roles[role].rollout, release.roles[role].hooks
    names = [name for name in release.nodes_of(role) if states[name].has_changes]
    new = [name for name in names if not states[name].has_accepted]
    serving = [name for name in names if states[name].has_accepted]
    waves = batches(new, 0, 1 if rollout.start == "one_by_one" else max(first_wave, rollout.max_in_flight))
    canaries = min(rollout.canaries, len(serving))
    watch, pause = seconds_of(rollout.watch), seconds_of(rollout.pause)
    for number, batch in enumerate(waves + batches(serving, rollout.canaries, rollout.max_in_flight)):
        if number and pause:
            yield Pause(pause)
        is_new = not states[batch[0]].has_accepted
        if "drain" in hooks and not is_new:
            yield RunHook(tuple(batch), "drain")
        if handed_over := tuple(name for name in batch if states[name].hands_over):
            yield HandOver(handed_over)
        yield from _disk_steps(batch, states)
        if rebuilt := tuple(name for name in batch if states[name].to_rebuild):
            yield Rebuild(rebuilt)
        yield Configure(tuple(batch))
        after: HookName = "join" if is_new else "undrain"
        if after in hooks:
            yield RunHook(tuple(batch), after)
        yield from _tried(release, batch, "batch")
        if batch == serving[canaries - 1 : canaries]:
            yield from _tried(release, serving[:canaries], "canary")
        if watch:
            yield Watch(tuple(batch), watch)


def _tried(release: ReleaseInputs, nodes: Sequence[str], when: str) -> Iterator[RunSmokeTests]:
    """Yield the step that tries nodes of a role out before others are touched, if a smoke test asks for it."""
    if names := tuple(test.name for test in release.smoke_tests if test.when == when and test.tried(nodes)):
        yield RunSmokeTests(tuple(nodes), names)


def _disk_steps(batch: Sequence[str], states: Mapping[str, NodeState]) -> Iterator[DiskStep]:
    """Yield what is done with disks before their nodes are configured."""
    for label, names in _by_label({name: states[name].snapshot for name in batch}):
        yield TakeSnapshot(names, label)
    for label, names in _by_label({name: states[name].restore for name in batch}):
        yield RestoreSnapshot(names, label)


def _by_label(labels: Mapping[str, str | None]) -> Iterator[tuple[str, tuple[str, ...]]]:
    for label in sorted({label for label in labels.values() if label}):
        yield label, tuple(name for name, its in labels.items() if its == label)


def _down(release: ReleaseInputs, role: str, targets: Targets) -> Iterator[MigrateDown]:
    """Yield the step that undoes migrations on the nodes of a role, if any are to be undone."""
    if targets:
        yield MigrateDown(tuple(release.nodes_of(role)), targets)


def batches(names: list[str], canaries: int, max_in_flight: int) -> list[list[str]]:
    """Split nodes into batches: canaries one after the other, then ``max_in_flight`` at a time."""
    starts = range(canaries, len(names), max_in_flight)
    return [[name] for name in names[:canaries]] + [names[start : start + max_in_flight] for start in starts]

"""Carries out the steps that rollouts and restarts share: what is done around the batches of nodes that they touch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from soop_components.release.cancellation import Cancellation
from soop_components.release.hooks import HookPrograms
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node, Progress
from soop_components.release.smoke_tests import SmokeTests
from soop_components.release.steps import Pause, RunHook, RunSmokeTests, SharedStep, Watch
from soop_components.release.watching import watch
from soop_components.waiting import Clock, wait_for_all


class SharedSteps:
    """Hooks, watches, pauses and smoke tests of a release on its nodes."""

    def __init__(
        self,
        release: ReleaseInputs,
        nodes: Mapping[str, Node],
        hooks: HookPrograms,
        cancellation: Cancellation,
        progress: Progress,
        clock: Clock,
    ) -> None:
        self._release = release
        self._nodes = nodes
        self._hooks = hooks
        self._cancellation = cancellation
        self._progress = progress
        self._clock = clock

    async def carry_out(self, step: SharedStep) -> None:
        """Carry out a step; a watch and a pause end at once when the user interrupts."""
        match step:
            case RunHook(names, hook):
                await wait_for_all(self._hooks.run(name, hook) for name in names)
            case Watch(names, seconds):
                await self._progress.show(f"watching {', '.join(names)} for {seconds} s")
                watching = watch(self._release, [self._nodes[name] for name in names], seconds, self._clock)
                await self._cancellation.unless_requested(watching)
            case Pause(seconds):
                await self._progress.show(f"pausing for {seconds} s")
                await self._cancellation.unless_requested(self._clock.sleep(seconds))
            case RunSmokeTests(names, tests):
                await self._progress.show("smoke tests")
                await SmokeTests(self._release, self._nodes, self._cancellation).run(names, tests)
            case _:
                assert_never(step)

"""Restarts the services of what runs, in the order of a rollout; nothing is changed, and nothing rolled back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import assert_never

from soop_components.errors import SoopError
from soop_components.release.cancellation import Cancellation
from soop_components.release.hooks import HookPrograms, attempts
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node, Progress
from soop_components.release.order import restart_order
from soop_components.release.shared_steps import SharedSteps
from soop_components.release.steps import Pause, RestartServices, RestartStep, RunHook, RunSmokeTests, Watch
from soop_components.waiting import Clock, wait_for_all

_PATIENCE = 20.0
"""Seconds that a node may take until it answers."""


class Restart:
    """One restart of a service that was accepted; it stops at the first failure."""

    def __init__(
        self,
        release: ReleaseInputs,
        nodes: Mapping[str, Node],
        cancellation: Cancellation,
        progress: Progress,
        clock: Clock | None = None,
    ) -> None:
        self._release = release
        self._nodes = nodes
        self._hooks = HookPrograms(release, release, nodes)
        self._shared = SharedSteps(release, nodes, self._hooks, cancellation, progress, clock or Clock())
        self._cancellation = cancellation
        self._restarted: list[str] = []
        self._failed: list[str] = []

    async def run(self, names: Collection[str]) -> None:
        """Restart what runs on these nodes; ``SoopError`` says on which it was done when it stopped."""
        looks = wait_for_all(self._must_run_what_was_accepted(name) for name in names)
        await self._cancellation.unless_requested(looks)
        try:
            for step in restart_order(self._release, names):
                self._cancellation.check()
                await self._carry_out(step)
        except SoopError as error:
            raise SoopError(await self._outcome(error, names), error.hint) from error

    async def _must_run_what_was_accepted(self, name: str) -> None:
        found = await self._nodes[name].status(_PATIENCE)
        digest = self._release.plan_digest(name)
        if found.running is None or found.running.plan_digest != digest or not found.accepted:
            raise SoopError(
                f"{name}: does not run {self._release.reference} as it was accepted; nothing was restarted",
                "deploy it again first: `pulumi preview` says what differs",
            )

    async def _carry_out(self, step: RestartStep) -> None:
        match step:
            case RestartServices(names):
                await wait_for_all(self._restart(name) for name in names)
            case RunHook() | Watch() | Pause() | RunSmokeTests():
                await self._shared.carry_out(step)
            case _:
                assert_never(step)

    async def _restart(self, name: str) -> None:
        last_good = self._release.plan_digest(name)
        await self._nodes[name].progress.show("restarting")
        try:
            await self._nodes[name].restart(self._release.secrets, self._release.hosts, last_good)
        except SoopError:
            self._failed.append(name)
            raise
        self._restarted.append(name)

    async def _outcome(self, error: SoopError, names: Collection[str]) -> str:
        """Undrain what was drained and is well, and say what became of each node."""
        drained = sorted(self._hooks.drained)
        failures = await attempts(drained, self._undrain)
        lines = [f"the restart of {self._release.reference} stopped: {error.message}"]
        untouched = [name for name in names if name not in (*self._restarted, *self._failed)]
        for what, which in (
            ("restarted", self._restarted),
            ("restart failed", self._failed),
            ("not restarted", untouched),
            ("still drained", list(failures)),
        ):
            lines += [f"  {what}: {', '.join(which)}"] * bool(which)
        return "\n".join(lines)

    async def _undrain(self, name: str) -> None:
        if not (await self._nodes[name].status(_PATIENCE)).healthy:
            raise SoopError(f"{name}: is not healthy")
        await self._hooks.run(name, "undrain")

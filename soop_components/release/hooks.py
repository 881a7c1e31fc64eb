"""Hooks: programs of a service that run on a node before and after it is touched, and before it is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from soop_components.errors import SoopError
from soop_components.model.service import HookName
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.wording import ended_in_words

_PATIENCE = 10.0
"""Seconds that a node which is to be removed may take until it answers."""


class HookPrograms:
    """The hooks that a rollout and its rollback run, each on the nodes whose role has it."""

    def __init__(self, wanted: ReleaseInputs, previous: ReleaseInputs | None, nodes: Mapping[str, Node]) -> None:
        self._wanted = wanted
        self._last_good = previous or wanted
        self._nodes = nodes
        self.drained: set[str] = set()
        """Nodes that were drained and have not been undrained since."""
        self.left: list[str] = []
        """Nodes on which the hook ``leave`` was begun."""
        self._joined: list[str] = []
        """Nodes on which the hook ``join`` was begun."""
        self.made_anew: set[str] = set()
        """Nodes that a rollback gave another machine: it was never drained, and has no programs of the new version."""

    @property
    def leaving(self) -> list[str]:
        """The nodes with a hook ``leave`` that will be removed, the highest number first."""
        return self._last_good.nodes_that_leave(self._wanted)

    @property
    def strangers(self) -> list[str]:
        """The nodes that have joined and that the last good version does not have, the one that was last first."""
        known = self._last_good.nodes
        return [name for name in reversed(self._joined) if name not in known]

    async def run(self, name: str, hook: HookName) -> None:
        """Run a hook in a rollout; ``SoopError`` with what it printed if it fails."""
        if hook == "leave":
            await self._leave(name)
            return
        if hook == "drain":
            self.drained.add(name)
        if hook == "join":
            self._joined.append(name)
        await self._run(self._wanted, name, hook)
        if hook == "undrain":
            self.drained.discard(name)

    async def run_in_rollback(self, hook: HookName, name: str) -> None:
        """Run ``drain`` of the new version, others of the last good one unless only the new one has it."""
        is_of_new = hook == "drain" or self._last_good.hook(name, hook) is None
        if is_of_new and name in self.made_anew:
            return
        await self._run(self._wanted if is_of_new else self._last_good, name, hook)

    async def _leave(self, name: str) -> None:
        """Run the hook before a node is removed; one that does not answer is removed without it."""
        try:
            await self._nodes[name].open(_PATIENCE)
        except SoopError as error:
            await self._nodes[name].progress.show(f"is removed without its hook leave: {error.message}")
            return
        self.left.append(name)
        await self._run(self._last_good, name, "leave")

    async def _run(self, release: ReleaseInputs, name: str, hook: HookName) -> None:
        plan = release.hook(name, hook)
        if plan is None:
            return
        place = release.nodes[name]
        which = {"SOOP_HOOK": hook, "SOOP_NODE": name, "SOOP_ROLE": place.role, "SOOP_NODE_NUMBER": str(place.number)}
        await self._nodes[name].progress.show(f"hook {hook}")
        environment, drains = {**plan.environment, **which}, self._drains(name, hook)
        secrets = {key: release.secrets[key] for key in plan.secrets}
        node = self._nodes[name]
        ended = await node.script(plan.blob, plan.source, environment, plan.timeout, drains=drains, secrets=secrets)
        if ended.exit_code != 0:
            raise SoopError(f"{name}: hook {hook}: {ended_in_words(plan.source, ended)}")

    def _drains(self, name: str, hook: HookName) -> bool | None:
        """Return whether a node is drained by a hook until another one ends that; None if it says nothing of it."""
        undrains = self._wanted.hook(name, "undrain") or self._last_good.hook(name, "undrain")
        return {"drain": True, "undrain": False}.get(hook) if undrains else None


async def attempts(names: Sequence[str], work: Callable[[str], Awaitable[None]]) -> dict[str, BaseException]:
    """Do something for all nodes at once; return what failed, by node."""
    results = await asyncio.gather(*map(work, names), return_exceptions=True)
    return {name: result for name, result in zip(names, results, strict=True) if result is not None}

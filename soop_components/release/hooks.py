"""Hooks: programs of a service that run on a node before and after it is touched, and before it is removed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from soop_components.errors import SoopError
from soop_components.model.service import HookName
from soop_components.release.cancellation import Cancellation
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.wording import ended_in_words

_PATIENCE = 10.0
"""Seconds that a node which is to be removed may take until it answers."""


class HookPrograms:
    """The hooks of a release, run on nodes that may be more than its own."""

    def __init__(self, release: ReleaseInputs, nodes: Mapping[str, Node]) -> None:
        self._release = release
        self._nodes = nodes

    def has(self, name: str, hook: HookName) -> bool:
        """Return whether the role of a node has this hook."""
        node = self._release.nodes.get(name)
        return node is not None and hook in self._release.roles[node.role].hooks

    async def run(self, name: str, hook: HookName) -> None:
        """Run a hook on a node, if its role has it; ``SoopError`` with what it printed if it fails."""
        if not self.has(name, hook):
            return
        place = self._release.nodes[name]
        plan = self._release.roles[place.role].hooks[hook]
        which = {"SOOP_HOOK": hook, "SOOP_NODE": name, "SOOP_ROLE": place.role, "SOOP_NODE_NUMBER": str(place.number)}
        await self._nodes[name].progress.show(f"hook {hook}")
        ended = await self._nodes[name].script(plan.blob, plan.source, {**plan.environment, **which}, plan.timeout)
        if ended.exit_code != 0:
            raise SoopError(f"{name}: hook {hook}: {ended_in_words(plan.source, ended)}")


class LeavingNodes:
    """The nodes of the last accepted release that will be removed; their hook ``leave`` comes before that."""

    def __init__(self, release: ReleaseInputs, nodes: Mapping[str, Node], hooks: HookPrograms) -> None:
        self._nodes = nodes
        self._hooks = hooks
        names = [name for name in nodes if hooks.has(name, "leave")]
        self.names = sorted(names, key=lambda name: release.nodes[name].number, reverse=True)
        """Those with a hook, in the order in which they leave: the highest number first."""
        self.left: list[str] = []
        """Those on which it was begun."""

    async def leave(self, cancellation: Cancellation) -> None:
        """Run the hook on one node after the other; those that do not answer are removed without it."""
        for name in self.names:
            cancellation.check()
            try:
                await self._nodes[name].open(_PATIENCE)
            except SoopError as error:
                await self._nodes[name].progress.show(f"is removed without its hook leave: {error.message}")
                continue
            self.left.append(name)
            await self._hooks.run(name, "leave")


async def attempts(names: Sequence[str], work: Callable[[str], Awaitable[None]]) -> dict[str, BaseException]:
    """Do something for all nodes at once; return what failed, by node."""
    results = await asyncio.gather(*map(work, names), return_exceptions=True)
    return {name: result for name, result in zip(names, results, strict=True) if result is not None}

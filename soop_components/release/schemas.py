"""The schemas of one service's databases during a rollout: what is undone, and what stands against a rollback."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from soop_components.errors import SoopError
from soop_components.release.downgrade import Targets, downgrade, held_in_words
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.order import MigrateDown
from soop_components.release.wording import ended_in_words
from soop_components.waiting import wait_for_all

_SCRIPT = "migrations"
"""The script of a component that runs and undoes its migrations."""


class Schemas:
    """Raises ``DowngradeRefused`` where a downgrade would lose data and nobody has agreed to that."""

    def __init__(self, wanted: ReleaseInputs, previous: ReleaseInputs | None, nodes: Mapping[str, Node]) -> None:
        self.going = downgrade(previous, wanted) if previous else None
        self.migrated_down: set[str] = set()
        """Nodes on which undoing was begun: newer programs need them rolled back before they are themselves."""
        self._wanted = wanted
        self._previous = previous
        self._nodes = nodes

    async def carry_out(self, step: MigrateDown) -> None:
        """Undo migrations."""
        self.migrated_down.update(step.nodes)
        await wait_for_all(self._migrate_down(name, step.targets) for name in step.nodes)

    async def _migrate_down(self, name: str, targets: Targets) -> None:
        node, role = self._nodes[name], self._wanted.roles[self._wanted.nodes[name].role]
        for component, number in targets:
            plan = role.components[component]
            script = next(script for script in plan.scripts if script.name == _SCRIPT)
            await node.progress.show(f"undoing migrations after {number:03}")
            arguments = (*script.arguments, "--down-to", str(number))
            ended = await node.script(plan.blob or "", script.source or "", {}, script.timeout, arguments, script.user)
            if ended.exit_code != 0:
                raise SoopError(f"{name}: undoing migrations: {ended_in_words(script.name, ended)}")

    def held(self, changed: Iterable[str]) -> str | None:
        """Say why nothing can be rolled back after some nodes were changed; None if it can."""
        if self._previous is None:
            return None
        return held_in_words(self._previous, self._wanted, {self._wanted.nodes[name].role for name in changed})

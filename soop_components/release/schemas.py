"""The schemas of one service's databases during a rollout: what is undone, and what stands against a rollback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

from soop_components.errors import SoopError
from soop_components.release.downgrade import Downgrade, Targets, breaking, downgrade, held_in_words, nodes_restored
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Node
from soop_components.release.steps import MigrateDown
from soop_components.release.wording import ended_in_words
from soop_components.runner.protocol import ScriptEnded
from soop_components.waiting import wait_for_all

_SCRIPT = "migrations"
"""The script of a component that runs and undoes its migrations."""


class Bound(NamedTuple):
    """Nodes on which the version before does not run any more."""

    known: set[str]
    silent: set[str]
    """Those that do not say whether that is so."""


class Schemas:
    """Raises ``DowngradeRefused`` where a downgrade would lose data and nobody has agreed to that."""

    def __init__(self, wanted: ReleaseInputs, previous: ReleaseInputs | None, nodes: Mapping[str, Node]) -> None:
        self.going = downgrade(previous, wanted) if previous else None
        self.migrated_down: set[str] = set()
        """Nodes on which undoing was begun: newer programs need them rolled back before they are themselves."""
        self._wanted = wanted
        self._previous = previous
        self._nodes = nodes

    @property
    def serve_both(self) -> bool:
        """Whether schemas serve the version before throughout, so that a node may go back to it whatever others do."""
        goes_by_programs = self.going is None or self.going.by == "programs"
        return goes_by_programs and self.held(self._nodes) is None

    @property
    def restored(self) -> list[str]:
        """The nodes whose disks become what a snapshot kept, since a downgrade goes so."""
        return nodes_restored(self._previous, self._wanted, self.going)

    async def announce(self, names: Iterable[str]) -> None:
        """Let databases know what is about to be undone, so that the older version may start before it is."""
        if self.going is not None and self._previous is not None:
            await wait_for_all(self._announce(name, self._previous) for name in names)

    async def _announce(self, name: str, newer: ReleaseInputs) -> None:
        for component, number in self.going.first(newer.nodes[name].role) if self.going else ():
            ended = await _run(self._nodes[name], newer, component, "--allow-older", number)
            if ended.exit_code != 0:
                raise SoopError(f"{name}: preparing the downgrade: {ended_in_words(_SCRIPT, ended)}")

    async def carry_out(self, step: MigrateDown) -> None:
        """Undo migrations."""
        self.migrated_down.update(step.nodes)
        await wait_for_all(self._migrate_down(name, step.targets) for name in step.nodes)

    async def _migrate_down(self, name: str, targets: Targets) -> None:
        for component, number in targets:
            await self._nodes[name].progress.show(f"undoing migrations after {number:03}")
            ended = await _run(self._nodes[name], self._wanted, component, "--down-to", number)
            if ended.exit_code != 0:
                raise SoopError(f"{name}: undoing migrations: {ended_in_words(_SCRIPT, ended)}")

    async def bound(self, names: Iterable[str]) -> Bound:
        """Return those of the nodes to which the version before cannot go back, since it does not run there.

        A node says whether the migrations which see to that were applied.
        """
        concerned = [name for name in names if self._breaking(name)]
        answers = await asyncio.gather(*map(self._lacks, concerned), return_exceptions=True)
        lacks = dict(zip(concerned, answers, strict=True))
        silent = {name for name, answer in lacks.items() if isinstance(answer, BaseException)}
        return Bound({name for name, answer in lacks.items() if answer is False}, silent)

    def _breaking(self, name: str) -> dict[str, int]:
        """Return by component the first migration on whose result the version before does not run."""
        role = self._wanted.nodes[name].role
        first: dict[str, int] = {}
        for its_role, migration in breaking(self._previous, self._wanted) if self._previous else ():
            if its_role == role:
                first.setdefault(migration.component, migration.number)
        return first

    async def _lacks(self, name: str) -> bool:
        for component, number in self._breaking(name).items():
            ended = await _run(self._nodes[name], self._wanted, component, "--lacks", number)
            if ended.exit_code != 0:
                return False
        return True

    def held(self, changed: Iterable[str]) -> str | None:
        """Say why nothing can be rolled back while nodes are bound whose disks cannot be restored; None if it can."""
        if self._previous is None:
            return None
        return held_in_words(self._previous, self._wanted, {self._wanted.nodes[name].role for name in changed})


async def rows_lost(before: ReleaseInputs, going: Downgrade, nodes: Mapping[str, Node]) -> list[str]:
    """Return in words how many rows down-migrations lose, as counted on the first node of each role.

    A role may have no node now and disks that are kept: nobody can count their rows.
    """
    lines: list[str] = []
    for change in going.changes if going.by == "migrations" else ():
        name = next(iter(before.nodes_of(change.role)), None)
        for component in sorted({migration.component for migration in change.undone} & going.known.keys()):
            counted = ["its rows cannot be counted"]
            with suppress(SoopError):
                if name is not None:
                    ended = await _run(nodes[name], before, component, "--rows", going.known[component])
                    counted = ended.stdout_tail.splitlines() if ended.exit_code == 0 else counted
            lines += [f"{name or change.role}: would be lost: {line}" for line in counted]
    return lines


async def _run(node: Node, release: ReleaseInputs, component: str, option: str, number: int) -> ScriptEnded:
    """Run the program of a component's migrations, as a release has it, on a node."""
    plan = release.roles[release.nodes[node.name].role].components[component]
    script = next(script for script in plan.scripts if script.name == _SCRIPT)
    arguments = (*script.arguments, option, str(number))
    return await node.script(plan.blob or "", script.source or "", {}, script.timeout, arguments, script.user)

"""New machines for nodes that have one: asked for by name, or since another base image is wanted; disks stay."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from soop_components.errors import SoopError
from soop_components.machines import Operations
from soop_components.release.attempt import Attempt
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.moves import moves
from soop_components.release.node import Blobs, Node
from soop_components.release.steps import HandOver, Rebuild
from soop_components.release.wording import ended_in_words
from soop_components.runner.document import parse
from soop_components.runner.protocol import Inspected
from soop_components.waiting import wait_for_all

_PATIENCE = 10.0
"""Seconds that a node which somebody wants replaced may take until it answers."""


class Rebuilding:
    """Decides which nodes get a new machine, and makes it. ``asked`` are the nodes of which somebody wants that."""

    def __init__(
        self,
        wanted: ReleaseInputs,
        nodes: Mapping[str, Node],
        blobs: Blobs,
        machines: Operations,
        asked: Collection[str],
    ) -> None:
        self.asked = asked
        self.begun: set[str] = set()
        """Nodes whose machine was, or was about to be, made anew in this rollout."""
        self._wanted = wanted
        self._nodes = nodes
        self._blobs = blobs
        self._machines = machines

    @property
    def is_possible(self) -> bool:
        """Whether machines of this kind can be made anew in their place."""
        return self._machines.rebuilds

    async def open(self, name: str) -> None:
        """Connect to a node; one that somebody wants replaced need not answer."""
        if name in self.asked:
            with suppress(SoopError):
                await self._nodes[name].open(_PATIENCE)
        else:
            await self._nodes[name].open(self._wanted.nodes[name].patience)

    async def inspect(self, name: str, last_good: str | None) -> Inspected | None:
        """Look at a node; None if it does not answer and somebody wants it replaced."""
        wanted, programs = self._wanted, self._wanted.program_blobs(name)
        try:
            return await self._nodes[name].inspect(wanted.documents[name], wanted.secrets, programs, last_good)
        except SoopError:
            if name not in self.asked:
                raise
            return None

    def needed(self, name: str, found: Inspected) -> tuple[str, ...]:
        """Return the blobs that a node lacks which is to be rebuilt: those of the hooks that run before."""
        programs = self._wanted.program_blobs(name)
        return tuple(blob for blob in found.missing if blob in programs)

    def is_due(self, name: str, found: Inspected | None) -> bool:
        """Return whether a node needs a new machine; None was ``found`` where it does not answer.

        One on which nothing ran yet is new. Where machines of this kind stay what they are, ``SoopError``.
        """
        if name in self.asked:
            due, why = found is None or found.running is not None, "its machine is to be replaced"
        else:
            has = found.base if found else None
            due = has is not None and has != self._wanted.base
            why = f"its system is {has}, and {self._wanted.reference} is built for {self._wanted.base}"
        if due and not self.is_possible:
            unable = f"machines of the kind {self._machines.kind} cannot be made anew in their place"
            raise SoopError(f"{name}: {why}; {unable}", "replace the machine by your own means, then update again")
        return due

    async def carry_out(self, step: HandOver | Rebuild, attempt: Attempt) -> None:
        """Carry out a step of the rollout."""
        for_each = self._hand_over if isinstance(step, HandOver) else self._rebuild_wanted
        await wait_for_all(for_each(name, attempt) for name in step.nodes)

    async def _rebuild_wanted(self, name: str, attempt: Attempt) -> None:
        await self.rebuild(name, self._wanted, attempt.names)

    async def _hand_over(self, name: str, attempt: Attempt) -> None:
        """Let the machine that a node has hand over what the programs on the new one cannot read as it is."""
        node, role = self._nodes[name], self._wanted.nodes[name].role
        for data in (move.data for move in moves(attempt.previous, self._wanted) if move.role == role):
            await node.progress.show(f"writing {data.component}'s data out for {data.written_by}")
            ended = await node.script(data.blob, data.source, {}, data.timeout, data.arguments)
            if ended.exit_code != 0:
                raise SoopError(f"{name}: handing {data.component}'s data over: {ended_in_words(data.source, ended)}")

    async def rebuild(self, name: str, release: ReleaseInputs, names: Mapping[str, str]) -> None:
        """Make a node's machine anew, with the names of the domain's nodes and the blobs that a release needs on it."""
        self.begun.add(name)
        node, place = self._nodes[name], release.nodes[name]
        await node.progress.show(f"making its machine anew from {release.base}")
        await self._machines.rebuild(name, release.base)
        await node.reopen(place.patience)
        await node.hosts(names)
        found = await node.inspect(release.documents[name], release.secrets, release.program_blobs(name), None)
        await node.progress.show(f"sending {len(found.missing)} blobs")
        await node.receive(found.missing, self._blobs)

    async def give_last_good(self, name: str, previous: ReleaseInputs, names: Mapping[str, str]) -> None:
        """Give a node, whose machine was replaced, one with the last good version.

        The machine stays as it is unless all that the other one needs is in the store.
        """
        node, document, programs = self._nodes[name], previous.documents[name], previous.program_blobs(name)
        try:
            for blob in sorted({*parse(document).blobs, *programs}):
                self._blobs(blob)
        except SoopError as error:
            raise SoopError(f"{name}: its machine stays as it is: {error.message}", error.hint) from error
        await self.rebuild(name, previous, names)
        await node.apply(document, previous.secrets, previous.secrets, names, None, programs)
        await node.accept(previous.plan_digest(name), programs, None)

"""How a release passes over its nodes: role by role, canaries first, and back again when something fails."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from soop_components.errors import SoopError
from soop_components.provider.cancellation import Cancellation, Cancelled
from soop_components.provider.node import Blobs, Node, NodeFailure
from soop_components.provider.release_inputs import ReleaseInputs
from soop_components.provider.smoke import SmokeTests

PATIENCE = 30.0
"""Seconds a node may take until it answers at the beginning of a rollout."""


class ReleaseFailed(SoopError):
    """The service was not accepted."""


class Rollout:
    """One attempt to make all nodes of a service what their plans say."""

    def __init__(
        self,
        wanted: ReleaseInputs,
        previous: ReleaseInputs | None,
        nodes: Mapping[str, Node],
        blobs: Blobs,
        cancellation: Cancellation,
    ) -> None:
        self._wanted = wanted
        self._previous_secrets = previous.secrets if previous else wanted.secrets
        self._nodes = nodes
        self._blobs = blobs
        self._cancellation = cancellation
        self._touched: list[str] = []
        self._accepted_before: set[str] = set()

    async def run(self, show: Callable[[str], Awaitable[None]]) -> None:
        """Roll out, test and accept; or put back what was touched and raise ``ReleaseFailed``."""
        try:
            await show("connecting")
            await _all(node.open(PATIENCE) for node in self._nodes.values())
            states = await self._inspect()
            await _all(node.hosts(self._wanted.hosts) for node in self._nodes.values())
            for group in self._wanted.role_groups:
                await _all(self._roll_role(role, states) for role in group)
            if self._wanted.smoke_tests:
                await show("smoke tests")
                await SmokeTests(self._wanted, self._nodes).run()
            self._cancellation.check()
        except Exception as error:
            await self._give_up(error, show)
        digests = {name: document["plan_digest"] for name, document in self._wanted.documents.items()}
        await _all(node.accept(digests[name]) for name, node in self._nodes.items())
        await show(f"{self._wanted.reference} accepted")

    async def _inspect(self) -> dict[str, dict[str, Any]]:
        names = list(self._nodes)
        found = await _all(
            self._nodes[name].inspect(self._wanted.documents[name], self._wanted.smoke_blobs(name)) for name in names
        )
        states = dict(zip(names, found, strict=True))
        for name, state in states.items():
            accepted = state.get("accepted")
            if accepted:
                self._accepted_before.add(name)
                self._refuse_shared(name, accepted)
        return states

    def _refuse_shared(self, name: str, accepted: Mapping[str, Any]) -> None:
        if accepted.get("service") not in (None, self._wanted.service):
            raise SoopError(
                f"{name}: the machine already serves {accepted['service']}-{accepted.get('version')}",
                "nodes are not shared between services: give this service a machine of its own",
            )

    async def _roll_role(self, role: str, states: Mapping[str, Mapping[str, Any]]) -> None:
        names = [name for name in self._wanted.nodes_of(role) if _needs_work(states[name])]
        serving = any(name in self._accepted_before for name in names)
        for wave in waves(names, self._wanted.roles[role].rollout.canaries if serving else 0,
                          self._wanted.roles[role].rollout.max_in_flight if serving else len(names)):
            self._cancellation.check()
            await _all(self._configure(name, states[name]) for name in wave)

    async def _configure(self, name: str, state: Mapping[str, Any]) -> None:
        node = self._nodes[name]
        missing = state.get("missing") or []
        if missing:
            await node.progress.show(f"sending {len(missing)} blobs")
            await node.receive(missing, self._blobs)
        if not state.get("changes"):
            return
        self._touched.append(name)
        request = {
            "document": self._wanted.documents[name],
            "secrets": self._wanted.secrets,
            "previous_secrets": self._previous_secrets,
            "hosts": self._wanted.hosts,
        }
        await node.apply(request, uuid.uuid4().hex[:12])

    async def _give_up(self, error: Exception, show: Callable[[str], Awaitable[None]]) -> None:
        """Put the nodes back and raise what happened; one that cannot be put back does not stop the others."""
        already = {error.node} if isinstance(error, NodeFailure) and error.returned else set()
        candidates = [name for name in self._touched if name in self._accepted_before and name not in already]
        if candidates:
            await show(f"returning {len(candidates)} nodes")
        results = await asyncio.gather(*(self._put_back(name) for name in candidates), return_exceptions=True)
        lost = {name: result for name, result in zip(candidates, results, strict=True) if result is not None}
        returned = sorted({*candidates, *already} - set(lost))
        raise ReleaseFailed(_verdict(self._wanted.reference, error, returned, lost)) from error

    async def _put_back(self, name: str) -> None:
        await self._nodes[name].put_back(self._previous_secrets, self._wanted.hosts, uuid.uuid4().hex[:12])


def _needs_work(state: Mapping[str, Any]) -> bool:
    return bool(state.get("changes") or state.get("missing"))


def waves(names: list[str], canaries: int, max_in_flight: int) -> list[list[str]]:
    """Split nodes into waves: canaries one after the other, then ``max_in_flight`` at a time."""
    first = [[name] for name in names[:canaries]]
    rest = names[canaries:]
    size = max(max_in_flight, 1)
    return first + [rest[start : start + size] for start in range(0, len(rest), size)]


def _verdict(reference: str, error: Exception, returned: list[str], lost: Mapping[str, Any]) -> str:
    lines = [f"{reference} was not accepted: {error}"]
    if isinstance(error, Cancelled):
        lines = [f"{reference} was interrupted"]
    if returned:
        lines.append(f"  returned to the last good version: {', '.join(returned)}")
    lines += [f"  could not be returned: {name}: {reason}" for name, reason in lost.items()]
    return "\n".join(lines)


async def _all(work: Iterable[Awaitable[Any]]) -> list[Any]:
    """Wait for everything, also when something fails; then raise the first failure."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results

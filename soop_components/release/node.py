"""A node as a release sees it: each method is a request to the runner on the node."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from soop_components.errors import SoopError
from soop_components.model.names import listed
from soop_components.release.session import Session, Stream
from soop_components.release.sessions import Sessions
from soop_components.release.wording import changes_in_words, failure_in_words
from soop_components.runner import protocol
from soop_components.transport.process import ConnectionLost
from soop_components.transport.ssh import Target

_RECONNECT_PATIENCE: Final = 20.0
"""Seconds a node may be away in the middle of an apply before it counts as lost."""
_BETWEEN_LOOKS: Final = 0.2
_LOOKS: Final = 50
"""Looks at a node that says each time that an apply is at work, whose end was waited for."""
_LOSSES: Final = 50
"""Connections that may be lost in the middle of one apply."""
_CHUNK: Final = 1 << 20

Document = Mapping[str, Any]
"""What one node must be, as its runner reads it."""
Blobs = Callable[[str], Path]
"""Where a blob lies on the deployer, by digest; checks the blob."""
_A = TypeVar("_A", bound=tuple[Any, ...])


class Progress(Protocol):
    """Where a release reports about one resource or node."""

    async def show(self, message: str) -> None:
        """Show what is going on now; the next message replaces it."""

    async def tell(self, message: str) -> None:
        """Show a message that stays."""


class NodeFailure(SoopError):
    """A step failed on a node; ``failed`` says which, and whether the node was rolled back."""

    def __init__(self, node: str, failed: protocol.Failed) -> None:
        self.failed = failed
        super().__init__(f"{node}: {failure_in_words(failed)}")


class Node:
    """One node over SSH: a session is begun when first needed, and again when it was lost.

    What fails raises ``SoopError``, whose message begins with the node's name. ``last_good`` is the plan digest of the
    version that the state names for the node, if it names one.
    """

    def __init__(self, target: Target, private_key: str, sessions: Sessions, progress: Progress) -> None:
        self.target = target
        self.progress = progress
        self._private_key = private_key
        self._sessions = sessions

    @property
    def name(self) -> str:
        """The node's unique name."""
        return self.target.name

    async def open(self, patience: float) -> None:
        """Connect unless connected, within ``patience`` seconds."""
        await self._session(patience)

    async def reopen(self, patience: float) -> None:
        """Connect to what is in the node's place now, within ``patience`` seconds."""
        self._sessions.drop(self.name)
        await self.open(patience)

    async def status(self, patience: float) -> protocol.NodeStatus:
        """Return what the node runs and how it differs from how it was left."""
        return await self._repeatable(protocol.Status(), protocol.NodeStatus, patience=patience)

    async def inspect(
        self, document: Document, secrets: Mapping[str, str], blobs: Iterable[str], last_good: str | None
    ) -> protocol.Inspected:
        """Return which blobs are missing and what an apply would change, once no other apply is at work."""
        request = protocol.Inspect(document, secrets, tuple(blobs), last_good)
        for _ in range(_LOOKS):
            found = await self._repeatable(request, protocol.Inspected)
            if not found.apply_running:
                if found.replaces:
                    what = f"takes the place of files of somebody else: {listed(found.replaces)}"
                    await self.progress.tell(f"{what}; they are kept, and put back when the node leaves the host")
                if found.changes and found.running and found.running.plan_digest == document["plan_digest"]:
                    await self.progress.show(f"to repair: {changes_in_words(found.changes)}")
                return found
            await self._outwait(found.apply_running)
        raise SoopError(
            f"{self.name}: says that the apply {found.apply_running} is at work, which has ended", "restart the node"
        )

    async def _outwait(self, id: str) -> None:
        """Follow an apply that an earlier deployment has begun; its result is seen afterwards."""
        await self.progress.show(f"waiting for an apply that an earlier deployment began ({id})")
        with suppress(NodeFailure):
            await self._lasting(protocol.Follow(id))
        await asyncio.sleep(_BETWEEN_LOOKS)  # its process ends a moment after its last event

    async def receive(self, digests: Iterable[str], blobs: Blobs) -> None:
        """Send blobs to the node."""
        await self._repeatable(protocol.Receive(), protocol.Done, content=lambda: _stream(list(digests), blobs))

    async def apply(
        self,
        document: Document,
        secrets: Mapping[str, str],
        previous_secrets: Mapping[str, str],
        hosts: Mapping[str, str],
        last_good: str | None,
        blobs: Iterable[str],
        accept_within: int = 0,
    ) -> None:
        """Make the node what a document says; after a failure, the runner has rolled back if it could.

        The rollback keeps these blobs and those of the last good document, also when the disk is full. The node rolls
        itself back when it sees no sign of us (``renew``) for ``accept_within`` seconds, unless that is 0.
        """
        kept = tuple(blobs)
        request = protocol.Apply(document, secrets, previous_secrets, hosts, _new_id(), last_good, kept, accept_within)
        if changes := (await self._lasting(request)).changes:
            await self.progress.show(f"done: {changes_in_words(changes)}")

    async def roll_back(self, secrets: Mapping[str, str], hosts: Mapping[str, str], last_good: str | None) -> None:
        """Make the node what its last good document says."""
        await self._lasting(protocol.Rollback(secrets, hosts, _new_id(), last_good))

    async def restart(self, secrets: Mapping[str, str], hosts: Mapping[str, str], last_good: str | None) -> None:
        """Restart the services of what was accepted, and see that they are healthy."""
        if changes := (await self._lasting(protocol.Restart(secrets, hosts, _new_id(), last_good))).changes:
            await self.progress.show(f"done: {changes_in_words(changes)}")

    async def accept(self, plan_digest: str, blobs: Iterable[str], last_good: str | None) -> None:
        """Make what runs now the accepted version; its blobs, those of the last good one and these are kept."""
        await self._repeatable(protocol.Accept(plan_digest, tuple(blobs), last_good), protocol.Done)

    async def renew(self) -> None:
        """Let the node know that we are at work, also while it is carrying out something else."""
        await (await self._session(_RECONNECT_PATIENCE)).run_beside(protocol.RENEW)

    async def hosts(self, hosts: Mapping[str, str]) -> None:
        """Give the node the addresses of its domain's nodes."""
        await self._repeatable(protocol.Hosts(hosts), protocol.Done)

    async def script(
        self,
        blob: str,
        source: str,
        environment: Mapping[str, str],
        timeout: int,
        arguments: Iterable[str] = (),
        user: str = "root",
        drains: bool | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> protocol.ScriptEnded:
        """Run a program out of a blob; the node remembers whether it ``drains`` it, or ends that."""
        request = protocol.Script(blob, source, environment, timeout, tuple(arguments), user, drains, secrets or {})
        return await self._call(request, protocol.ScriptEnded)

    async def logs(self, secrets: Mapping[str, str]) -> str:
        """Return the end of what the service said, without the secrets."""
        return (await self._repeatable(protocol.Logs(secrets), protocol.Logged)).text

    async def _lasting(self, request: protocol.Lasting | protocol.Follow) -> protocol.Applied:
        """Start what goes on without us; after a lost connection, find it again and follow it to its end."""
        for _ in range(_LOSSES):
            try:
                return await self._call(request, protocol.Applied)
            except ConnectionLost:
                await self.progress.show("connection lost, reattaching")
            request = protocol.Follow(request.id)
            await asyncio.sleep(_BETWEEN_LOOKS)
        raise SoopError(f"{self.name}: the connection was lost {_LOSSES} times in the middle of an apply")

    async def _repeatable(self, request: protocol.Request, answer: type[_A], **more: Any) -> _A:
        """Send a request that may be carried out twice, again if the connection is lost."""
        try:
            return await self._call(request, answer, **more)
        except ConnectionLost:
            return await self._call(request, answer, **more)

    async def _call(
        self,
        request: protocol.Request,
        answer: type[_A],
        *,
        content: Stream | None = None,
        patience: float = _RECONNECT_PATIENCE,
    ) -> _A:
        session = await self._session(patience)
        got = await session.ask(request, answer, self.progress.show, content)
        if isinstance(got, protocol.Failed):
            raise NodeFailure(self.name, got)
        if isinstance(got, protocol.UnknownVerb):
            versions = f"its protocol is version {got.protocol}, this program's {protocol.PROTOCOL}"
            raise SoopError(f"{self.name}: the runner does not know `{got.verb}` ({versions})")
        return got

    async def _session(self, patience: float) -> Session:
        return await self._sessions.open(self.target, self._private_key, patience)


def _new_id() -> str:
    return uuid.uuid4().hex[:12]


async def _stream(digests: list[str], blobs: Blobs) -> AsyncIterator[bytes]:
    for digest in digests:
        path = blobs(digest)
        with path.open("rb") as file:
            yield f"{digest} {path.stat().st_size}\n".encode()
            while chunk := file.read(_CHUNK):
                yield chunk
    yield b"\n"

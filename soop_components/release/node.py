"""A node as a release sees it: measure, send, apply, accept, return; each a verb of the runner on the node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from soop_components.errors import SoopError
from soop_components.provider.progress import Progress
from soop_components.release.session import Session, Sessions, Stream
from soop_components.transport import ConnectionLost, Target

_RECONNECT_PATIENCE: Final = 20.0
"""Seconds a node may be away in the middle of an apply before it counts as lost."""
_BETWEEN_LOOKS: Final = 0.2
_CHUNK: Final = 1 << 20

Document = Mapping[str, Any]
Blobs = Callable[[str], Path]
"""Where a blob lies on the deployer, by digest; checks the blob."""


class NodeFailure(SoopError):
    """A step failed on a node."""

    def __init__(self, node: str, event: Mapping[str, Any]) -> None:
        self.node = node
        self.step: str | None = event.get("step")
        self.returned: bool | None = event.get("returned")
        super().__init__(_sentence(node, event))


def _sentence(node: str, event: Mapping[str, Any]) -> str:
    where = [f"step {event['step']}"] if event.get("step") else []
    if event.get("component"):
        where.append(f"component {event['component']}")
    if event.get("command"):
        command = event["command"]
        where.append(f"command `{command if isinstance(command, str) else ' '.join(command)}`")
    if event.get("exit_code") is not None:
        where.append(f"exit code {event['exit_code']}")
    lines = [f"{node}: {event.get('message', 'failed')}" + (f" ({', '.join(where)})" if where else "")]
    lines += [f"  | {line}" for line in str(event.get("stderr_tail") or "").splitlines()[-20:]]
    return "\n".join(lines)


class Node:
    """One node, reached over a session that is begun when first needed and again after a loss."""

    def __init__(self, target: Target, private_key: str, sessions: Sessions, progress: Progress) -> None:
        self.target = target
        self.progress = progress
        self._private_key = private_key
        self._sessions = sessions

    @property
    def name(self) -> str:
        """The node's unique name."""
        return self.target.name

    async def open(self, patience: float) -> Session:
        """Connect unless connected; ``Unreachable`` after ``patience`` seconds."""
        return await self._sessions.open(self.target, self._private_key, patience)

    async def measure(self, plan_digest: str, patience: float) -> dict[str, Any]:
        """Return what the node runs and how that differs from the plan it was given last."""
        return await self._repeatable("measure", {"plan_digest": plan_digest, "health": True}, patience=patience)

    async def inspect(
        self, document: Document, secrets: Mapping[str, str], blobs: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Return which blobs are missing and how much an apply would change, once no other apply is at work."""
        while True:
            found = await self._repeatable("inspect", {"document": document, "secrets": secrets, "blobs": list(blobs)})
            if not found.get("apply_running"):
                return found
            await self._outwait(found["apply_running"])

    async def _outwait(self, id: str) -> None:
        """Follow an apply that a deployer before us has begun; what comes of it is seen afterwards."""
        await self.progress.show(f"waiting for an apply that an earlier deployment began ({id})")
        with suppress(NodeFailure):
            await self._lasting("follow", {}, id)
        await asyncio.sleep(_BETWEEN_LOOKS)  # its last word comes a moment before its end

    async def receive(self, digests: Iterable[str], blobs: Blobs) -> None:
        """Send blobs to the node."""
        await self._repeatable("receive", {}, content=lambda: _stream(list(digests), blobs))

    async def apply(self, request: Mapping[str, Any], id: str) -> None:
        """Make the node what ``document`` says, with ``secrets``, ``previous_secrets`` and ``hosts``.

        On failure the runner has put it back if it could.
        """
        await self._lasting("apply", request, id)

    async def put_back(self, secrets: Mapping[str, str], hosts: Mapping[str, str], id: str) -> None:
        """Return the node to the plan it accepted last."""
        await self._lasting("return", {"secrets": secrets, "hosts": hosts}, id)

    async def accept(self, plan_digest: str, blobs: Iterable[str] = ()) -> None:
        """Make what runs now the state to return to; of the blobs, keep what it consists of and these."""
        await self._repeatable("accept", {"plan_digest": plan_digest, "blobs": list(blobs)})

    async def hosts(self, hosts: Mapping[str, str]) -> None:
        """Give the node the addresses of its domain's nodes."""
        await self._repeatable("hosts", {"hosts": hosts})

    async def script(self, blob: str, source: str, environment: Mapping[str, str], timeout: int) -> dict[str, Any]:
        """Run a program out of a blob and return ``exit_code``, ``stdout_tail`` and ``stderr_tail``."""
        request = {"blob": blob, "source": source, "environment": environment, "timeout": timeout}
        return await self._call("script", request)

    async def _lasting(self, verb: str, request: Mapping[str, Any], id: str) -> None:
        """Start what goes on without us; after a lost connection, find it again and follow it to its end."""
        request = {**request, "id": id}
        while True:
            try:
                await self._call(verb, request)
                return
            except ConnectionLost:
                await self.progress.show("connection lost, reattaching")
            verb, request = "follow", {"id": id}

    async def _repeatable(self, verb: str, request: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        """Call a verb that may as well be carried out twice, again if the connection is lost."""
        try:
            return await self._call(verb, request, **more)
        except ConnectionLost:
            return await self._call(verb, request, **more)

    async def _call(
        self,
        verb: str,
        request: Mapping[str, Any],
        *,
        content: Stream | None = None,
        patience: float = _RECONNECT_PATIENCE,
    ) -> dict[str, Any]:
        session = await self.open(patience)
        event = await session.ask({**request, "verb": verb}, self.progress.show, content)
        if event["event"] == "failure":
            raise NodeFailure(self.name, event)
        return event


async def _stream(digests: list[str], blobs: Blobs) -> AsyncIterator[bytes]:
    for digest in digests:
        path = blobs(digest)
        with path.open("rb") as file:
            yield f"{digest} {path.stat().st_size}\n".encode()
            while chunk := file.read(_CHUNK):
                yield chunk
    yield b"\n"

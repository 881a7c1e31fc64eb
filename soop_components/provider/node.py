"""A node as a release sees it: measure, send, apply, accept, return; each a verb of the runner on the node."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from soop_components.errors import SoopError
from soop_components.provider.progress import Progress
from soop_components.runner_archive import RunnerArchive
from soop_components.transport import Connection, ConnectionLost, Target, connect

_RUNNER_MISSING: Final = 99
_RECONNECT_PATIENCE: Final = 20.0
"""Seconds a node may be away in the middle of an apply before it counts as lost."""
_BETWEEN_LOOKS: Final = 0.2
_CHUNK: Final = 1 << 20

Document = Mapping[str, Any]
Blobs = Callable[[str], Path]
"""Where a blob lies on the deployer, by digest; checks the blob."""


_Request = Mapping[str, Any] | Callable[[], AsyncIterator[bytes]]
"""What a verb reads: one JSON value, or a stream that can be begun again."""


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
    """One node, reached over one connection that is opened when first needed and again after a loss."""

    def __init__(self, target: Target, private_key: str, archive: RunnerArchive, progress: Progress) -> None:
        self.target = target
        self.progress = progress
        self._private_key = private_key
        self._archive = archive
        self._connection: Connection | None = None

    @property
    def name(self) -> str:
        """The node's unique name."""
        return self.target.name

    async def open(self, patience: float) -> None:
        """Connect unless connected; ``Unreachable`` after ``patience`` seconds."""
        if self._connection is None:
            self._connection = await connect(self.target, self._private_key, patience)

    def close(self) -> None:
        """Drop the connection."""
        if self._connection is not None:
            self._connection.abort()
            self._connection = None

    async def measure(self, plan_digest: str) -> dict[str, Any]:
        """Return what the node runs and how that differs from the plan it was given last."""
        return await self._call("measure", {"plan_digest": plan_digest, "health": True})

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
        await self._repeatable("receive", lambda: _stream(list(digests), blobs))

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

    async def _repeatable(self, verb: str, request: _Request) -> dict[str, Any]:
        """Call a verb that may as well be carried out twice, again if the connection is lost."""
        try:
            return await self._call(verb, request)
        except ConnectionLost:
            return await self._call(verb, request)

    async def _call(self, verb: str, request: _Request) -> dict[str, Any]:
        await self.open(_RECONNECT_PATIENCE)
        try:
            outcome = await self._attempt(verb, request)
            if outcome is None:
                await self._install_runner()
                outcome = await self._attempt(verb, request)
        except ConnectionLost:
            self.close()
            raise
        if outcome is None:
            raise SoopError(f"{self.name}: the runner could not be installed", "is /var/lib/soop writable there?")
        return outcome

    async def _attempt(self, verb: str, request: _Request) -> dict[str, Any] | None:
        """Run one verb; ``None`` says that the runner is not on the node yet."""
        if self._connection is None:
            raise ConnectionLost(f"{self.name}: not connected")
        path = self._archive.path_on_node
        command = f"test -f {path} || exit {_RUNNER_MISSING}; exec python3 -I {path} {verb}"
        async with self._connection.start(command) as process:
            try:
                if isinstance(request, Mapping):
                    await process.send(json.dumps(request).encode())
                else:
                    async for chunk in request():
                        await process.send(chunk)
                await process.end_input()
            except ConnectionLost:  # the runner may have ended before it read everything; its words decide
                pass
            event = await self._last_event(process.lines())
            code = await process.wait()
            errors = (await process.read_errors()).decode(errors="replace")
        if code == _RUNNER_MISSING and not event:
            return None
        if event.get("event") == "result":
            return event
        if event.get("event") == "failure":
            raise NodeFailure(self.name, event)
        message = f"the runner ended without a result on `{verb}`"
        raise NodeFailure(self.name, {"message": message, "exit_code": code, "stderr_tail": errors})

    async def _last_event(self, lines: AsyncIterator[bytes]) -> dict[str, Any]:
        last: dict[str, Any] = {}
        async for line in lines:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if event.get("event") == "progress":
                await self.progress.show(event["message"])
            else:
                last = event
        return last

    async def _install_runner(self) -> None:
        if self._connection is None:
            raise ConnectionLost(f"{self.name}: not connected")
        path = self._archive.path_on_node
        folder = path.rsplit("/", 1)[0]
        command = (
            f"set -e; umask 077; command -v python3 >/dev/null || exit 3; mkdir -p {folder}; "
            f"t=$(mktemp {folder}/.new.XXXXXX); cat > $t; mv $t {path}"
        )
        outcome = await self._connection.run(command, self._archive.content)
        if outcome.exit_code == 3:
            raise SoopError(f"{self.name}: no python3 on the node", "install Debian's package python3 on it")
        if outcome.exit_code != 0:
            tail = outcome.stderr.decode(errors="replace")
            raise NodeFailure(self.name, {"message": "cannot install the runner", "stderr_tail": tail})


async def _stream(digests: list[str], blobs: Blobs) -> AsyncIterator[bytes]:
    for digest in digests:
        path = blobs(digest)
        with path.open("rb") as file:
            yield f"{digest} {path.stat().st_size}\n".encode()
            while chunk := file.read(_CHUNK):
                yield chunk

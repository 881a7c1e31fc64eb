"""The machines and disks of one checkout: what it asks of the root helper, and what can be seen without rights."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from soop_components.errors import SoopError
from soop_components.machines import Operations
from soop_components.machines.local import gateway
from soop_components.machines.local.kind import KIND
from soop_components.machines.local.root_helper import request
from soop_components.machines.local.root_helper.disk import allocated
from soop_components.machines.local.root_helper.disk import facts as disk_facts
from soop_components.machines.local.root_helper.failure import Refused
from soop_components.machines.local.root_helper.folders import Realm
from soop_components.machines.local.root_helper.machine import LOG
from soop_components.machines.local.root_helper.request import HostKey, Spec
from soop_components.machines.local.root_helper.snapshot import found as snapshots_of
from soop_components.machines.local.root_helper.verbs import status
from soop_components.machines.snapshots import Snapshot
from soop_components.project import Project
from soop_components.waiting import wait_until

_PATIENCE = 30.0
"""Seconds within which a machine must accept SSH connections."""
_PAUSE = 0.03
_LOOK_EVERY = 1.0
"""Seconds between looks at whether a machine that does not answer runs at all."""
_LOG_TAIL = 1500
_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


class DamagedMachine(SoopError):
    """The record of a machine is not what was written."""


@dataclass(frozen=True)
class MachineFacts:
    """What a machine is."""

    spec: Spec
    """What it was last made to be."""
    running: bool
    address: str
    """The same for the machine's whole life, unless somebody else took it while the host was down."""
    host_key: str
    """Public key line of the key that the machine shows."""
    pid: int | None
    """Of the program that runs the machine."""
    port: int = 22
    user: str = "root"


@dataclass(frozen=True)
class DiskFacts:
    """What a disk is."""

    id: str
    size: int
    """Bytes."""
    used_by: str | None
    """Name of the machine that has it now."""


class LocalMachines(Operations):
    """The local machines and disks of one realm: those made out of one state.

    Every method can be repeated: what is already so stays so, deleting the absent succeeds.
    """

    kind = KIND.name

    def __init__(self, project: Project) -> None:
        home = Path(os.path.realpath(project.make_home()))
        self.realm = Realm(home, project.realm, os.getuid())

    async def create(self, spec: Spec, host_key: HostKey) -> MachineFacts:
        """Make the machine as ``spec`` says and start it; an existing one keeps the host key that it has."""
        answer = await self._call("create", spec=spec.as_json(), host_key=asdict(host_key))
        return await self._answering(spec.name, answer)

    async def start(self, node: str) -> None:
        """Start the machine as it was last made and return when it accepts SSH connections."""
        await self._answering(node, await self._call("start", name=node))

    async def stop(self, node: str) -> None:
        """Shut the machine down; it keeps its files."""
        await self._call("stop", name=node)

    async def rebuild(self, node: str, image: str) -> None:
        """Make the machine's system anew from a base image and return when it accepts SSH connections."""
        await self._answering(node, await self._call("rebuild", name=node, image=image))

    async def destroy(self, name: str) -> None:
        """Remove the machine and its files, but not its disks."""
        await self._call("destroy", name=name)

    async def inspect(self, names: Iterable[str]) -> dict[str, MachineFacts | SoopError]:
        """Return what is known of those of ``names`` that exist, or why that cannot be said.

        Needs no rights unless the host hides processes.
        """
        wanted = list(names)
        if os.geteuid() != 0 and not Path("/proc/1/cmdline").exists():
            found = await self._call("status", names=wanted)
        else:
            found = await asyncio.to_thread(self._reading, status, wanted)
        return {name: _refusal(each) if "refused" in each else _facts(each) for name, each in found.items()}

    async def create_disk(self, disk: str, size: int) -> DiskFacts:
        """Make the disk, or let it grow to ``size`` bytes; it never shrinks."""
        return DiskFacts(**await self._call("disk-create", disk=disk, size=size))

    async def inspect_disk(self, disk: str) -> DiskFacts | None:
        """Return what is known of the disk, None if there is no such disk; needs no rights."""
        found = await asyncio.to_thread(self._reading, disk_facts, disk)
        return None if found is None else DiskFacts(**found)

    async def destroy_disk(self, disk: str) -> None:
        """Remove the disk with its data; refused while a machine uses it."""
        await self._call("disk-destroy", disk=disk)

    async def snapshot(self, node: str, label: str, of: str, digest: str) -> Snapshot:
        """Copy the disk while its file system stands still: writers wait meanwhile."""
        about = {"of": of, "digest": digest}
        return Snapshot(**await self._call("snapshot-take", disk=node, label=label, about=about))

    async def restore(self, node: str, label: str) -> None:
        """Put on the disk of a stopped machine what a snapshot kept."""
        await self._call("snapshot-restore", disk=node, label=label)

    async def snapshots(self, environment: str) -> Sequence[Snapshot]:
        """Return the snapshots of an environment's disks; needs no rights."""
        found = await asyncio.to_thread(self._reading, snapshots_of, environment)
        return [Snapshot(**each) for each in found]

    async def remove_snapshot(self, node: str, label: str) -> None:
        """Remove a snapshot."""
        await self._call("snapshot-remove", disk=node, label=label)

    async def snapshot_size(self, node: str) -> int:
        """Return how much the disk takes now, without its holes; needs no rights."""
        return await asyncio.to_thread(self._reading, allocated, node)

    async def sweep(self) -> list[str]:
        """Remove what killed runs and crashed machines left, never anything that lives, and return what it was."""
        return [str(line) for line in await self._call("sweep")]

    async def clean(self) -> None:
        """Remove all machines and disks of the realm and everything that was made for them."""
        await self._call("clean")

    def log(self, name: str) -> Path:
        """Return the file with the machine's console output."""
        return self.realm.machine(name) / LOG

    async def _call(self, verb: str, **fields: Any) -> Any:
        return await gateway.call(verb, {"home": str(self.realm.home), "realm": self.realm.name, **fields})

    def _reading(self, read: Callable[[Realm, _Asked], _Found], asked: _Asked) -> _Found:
        try:
            return read(self.realm, asked)
        except Refused as error:
            raise SoopError(error.message, error.hint) from error

    async def _answering(self, name: str, answer: dict[str, Any]) -> MachineFacts:
        """Wait until the machine's SSH server greets."""
        facts = _facts(answer)

        async def greets_or_runs_on() -> bool:
            if await wait_until(lambda: _greets(facts.address, facts.port), _LOOK_EVERY, _PAUSE):
                return True
            found = (await self.inspect([name])).get(name)
            if not isinstance(found, MachineFacts) or not found.running:
                raise SoopError(f"{name} ended while it was starting", self._tail(name))
            return False

        if not await wait_until(greets_or_runs_on, _PATIENCE, _PAUSE):
            message = f"{name} does not accept SSH connections after {_PATIENCE:.0f} seconds"
            raise SoopError(message, self._tail(name))
        return facts

    def _tail(self, name: str) -> str:
        path = self.log(name)
        text = path.read_bytes()[-_LOG_TAIL:].decode(errors="replace").strip() if path.exists() else ""
        return f"{path} ends with:\n{text}"


async def _greets(address: str, port: int) -> bool:
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return (await reader.readline()).startswith(b"SSH-")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _refusal(answer: dict[str, Any]) -> SoopError:
    return (DamagedMachine if answer["damaged"] else SoopError)(answer["refused"], answer["hint"])


def _facts(answer: dict[str, Any]) -> MachineFacts:
    return MachineFacts(**{**answer, "spec": request.spec(answer["spec"])})

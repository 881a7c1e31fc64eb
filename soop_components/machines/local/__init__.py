"""Local machines: systemd-nspawn containers on this host, the embedded default.

They have systemd, sshd, a network and disks like any machine, start in about a second, and are a developer's
convenience, not a security boundary. All that needs root is in ``root_helper``.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from soop_components.errors import SoopError
from soop_components.machines import Attachment, DiskFacts, HostKey, MachineFacts, MachineSpec
from soop_components.machines.local import gateway
from soop_components.machines.local.host_key import new_host_key
from soop_components.machines.local.root_helper.disk import look as look_at_disk
from soop_components.machines.local.root_helper.failure import Refused
from soop_components.machines.local.root_helper.folders import Realm
from soop_components.machines.local.root_helper.machine import LOG
from soop_components.machines.local.root_helper.verbs import status
from soop_components.project import Project

__all__ = ["LocalMachines", "new_host_key"]

_PATIENCE = 30.0
"""Seconds within which a machine must accept SSH connections."""
_PAUSE = 0.03
_LOOK_EVERY = 1.0
"""Seconds between looks at whether a machine that does not answer runs at all."""
_LOG_TAIL = 1500
_Asked = TypeVar("_Asked")
_Found = TypeVar("_Found")


class LocalMachines:
    """The local machines and disks of one realm: those made out of one state. Follows ``machines.Machines``."""

    def __init__(self, project: Project) -> None:
        home = Path(os.path.realpath(project.make_home()))
        self._realm = Realm(home, project.realm, os.getuid())

    async def create(self, spec: MachineSpec, host_key: HostKey) -> MachineFacts:
        """Make the machine as ``spec`` says and start it; an existing one keeps the host key that it has."""
        key = {"private": host_key.private, "public": host_key.public}
        return await self._answering(spec.name, await self._call("create", spec=_spec_as_json(spec), host_key=key))

    async def start(self, name: str) -> MachineFacts:
        """Start the machine as it was last made and return when it accepts SSH connections."""
        return await self._answering(name, await self._call("start", name=name))

    async def stop(self, name: str) -> None:
        """Shut the machine down; it keeps its files."""
        await self._call("stop", name=name)

    async def destroy(self, name: str) -> None:
        """Remove the machine and its files, but not its disks."""
        await self._call("destroy", name=name)

    async def inspect(self, names: Iterable[str]) -> dict[str, MachineFacts]:
        """Return what is known of those of ``names`` that exist; needs no rights unless the host hides processes."""
        wanted = list(names)
        if os.geteuid() != 0 and not Path("/proc/1/cmdline").exists():
            found = await self._call("status", names=wanted)
        else:
            found = await asyncio.to_thread(self._reading, status, wanted)
        return {name: _facts(name, each) for name, each in found.items()}

    async def create_disk(self, disk: str, size: int) -> DiskFacts:
        """Make the disk, or let it grow to ``size`` bytes; it never shrinks."""
        return DiskFacts(**await self._call("disk-create", disk=disk, size=size))

    async def inspect_disk(self, disk: str) -> DiskFacts | None:
        """Return what is known of the disk, None if there is no such disk; needs no rights."""
        found = await asyncio.to_thread(self._reading, look_at_disk, disk)
        return None if found is None else DiskFacts(**found)

    async def destroy_disk(self, disk: str) -> None:
        """Remove the disk with its data; refused while a machine uses it."""
        await self._call("disk-destroy", disk=disk)

    async def sweep(self) -> list[str]:
        """Remove what killed runs and crashed machines left, never anything that lives, and return what it was."""
        return [str(line) for line in await self._call("sweep")]

    async def clean(self) -> None:
        """Remove all machines and disks of the realm and everything that was made for them."""
        await self._call("clean")

    def names(self) -> list[str]:
        """Return the names of all machines that have files."""
        return self._realm.names(self._realm.machines)

    def log(self, name: str) -> Path:
        """Return the file with the machine's console output."""
        return self._realm.machine(name) / LOG

    async def _call(self, verb: str, **fields: Any) -> Any:
        return await gateway.call(verb, {"home": str(self._realm.home), "realm": self._realm.name, **fields})

    def _reading(self, read: Callable[[Realm, _Asked], _Found], asked: _Asked) -> _Found:
        try:
            return read(self._realm, asked)
        except Refused as error:
            raise SoopError(error.message, error.hint) from error

    async def _answering(self, name: str, answer: dict[str, Any]) -> MachineFacts:
        """Wait until the machine's SSH server greets."""
        facts = _facts(name, answer)
        clock = asyncio.get_running_loop().time
        deadline = clock() + _PATIENCE
        look_at = clock() + _LOOK_EVERY
        while not await _greets(facts.address, facts.port):
            if clock() > deadline:
                message = f"{name} does not accept SSH connections after {_PATIENCE:.0f} seconds"
                raise SoopError(message, self._tail(name))
            if clock() > look_at:
                look_at = clock() + _LOOK_EVERY
                found = (await self.inspect([name])).get(name)
                if found is None or not found.running:
                    raise SoopError(f"{name} ended while it was starting", self._tail(name))
            await asyncio.sleep(_PAUSE)
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


def _spec_as_json(spec: MachineSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "image": spec.image,
        "cpus": spec.cpus,
        "memory": spec.memory,
        "authorized_keys": list(spec.authorized_keys),
        "disks": [{"disk": each.disk, "mount": each.mount} for each in spec.disks],
    }


def _facts(name: str, answer: dict[str, Any]) -> MachineFacts:
    spec = answer["spec"]
    disks = tuple(Attachment(disk=each["disk"], mount=each["mount"]) for each in spec["disks"])
    keys = tuple(spec["authorized_keys"])
    return MachineFacts(
        name=name,
        running=answer["running"],
        address=answer["address"],
        host_key=answer["host_key"],
        image=spec["image"],
        image_digest=answer["image_digest"],
        pid=answer["pid"],
        spec=MachineSpec(name, spec["image"], keys, spec["cpus"], spec["memory"], disks),
    )

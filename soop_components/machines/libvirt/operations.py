"""What is done with virtual machines inside an update: started, stopped, and their disks copied, all by libvirt."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import PurePosixPath
from tempfile import NamedTemporaryFile
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from soop_components.deployment.environment_file import environment_of_domain
from soop_components.errors import SoopError
from soop_components.machines import Operations
from soop_components.machines.libvirt.addresses import address_of
from soop_components.machines.libvirt.disk_copies import (
    Copy,
    allocated,
    capacity,
    data_volume,
    remove,
    snapshot_of,
    write_record,
)
from soop_components.machines.libvirt.settings import HERE, LibvirtEnvironment
from soop_components.machines.libvirt.virsh import Virsh
from soop_components.machines.snapshots import Snapshot
from soop_components.model.names import environment_of
from soop_components.project import Project
from soop_components.waiting import wait_until

_LOOKING = 120.0
"""Seconds until libvirt says how a machine is: a look at a domain goes on without a host that is not reached."""
_STARTING = 1800
"""Seconds that a machine may take until it answers: emulated processors are slow."""
_HOST = re.compile(r"<ip address='([0-9.]+)'")
"""The address of libvirt's host in a network."""
_SHUTTING_DOWN = 900
"""Seconds that a machine may take until it is off."""
_COPYING = 3600
"""Seconds that a copy of a disk may take."""
_PAUSE = 0.5
_OFF = "shut off"
_SSH = 22
_HELLO = 20
"""Seconds until an SSH server says who it is."""


class Disk(NamedTuple):
    """The disk of a node, as its machine has it."""

    target: str
    """What libvirt calls it in the machine, ``vdb``."""
    path: str

    @property
    def volume(self) -> str:
        """Return the name of its volume."""
        return PurePosixPath(self.path).name


class LibvirtOperations(Operations):
    """Machines of the environments of a project."""

    kind = "libvirt"

    def __init__(self, project: Project) -> None:
        self._project = project
        self._at = cache(self._connected)

    async def is_off(self, node: str) -> bool:
        """Return whether the machine of a node is there, and does not run."""
        return await self._state(node) == _OFF

    async def start(self, node: str) -> None:
        """Start a machine, and wait until SSH answers."""
        if await self.is_off(node):
            await self._at(node)("start", node)
        address = await self._address(node)
        if address and not await wait_until(partial(_answers, address), _STARTING, _PAUSE):
            hint = f"look at it on libvirt's host: virsh console {node}"
            raise SoopError(f"{node}: does not answer within {_STARTING} seconds after its start", hint)

    async def stop(self, node: str) -> None:
        """Shut a machine down, as its power button does."""
        deadline = asyncio.get_running_loop().time() + _SHUTTING_DOWN
        while not await self.is_off(node):
            await self._at(node).succeeds("shutdown", node)  # again: one that starts does not hear it
            if asyncio.get_running_loop().time() > deadline:
                hint = f"look at it, or switch it off on libvirt's host: virsh destroy {node}"
                raise SoopError(f"{node}: has not shut down within {_SHUTTING_DOWN} seconds", hint)
            await asyncio.sleep(_PAUSE)

    async def snapshot(self, node: str, label: str, of: str, digest: str) -> Snapshot:
        """Copy a disk; a machine that runs goes on, and the copy is of the moment at which it was begun."""
        virsh, disk = self._at(node), await self._disk(node)
        copy = Copy(await virsh("vol-pool", disk.path), node, label)
        await remove(virsh, copy)
        about = {"taken": datetime.now(UTC).isoformat(timespec="seconds"), "of": of, "digest": digest}
        if await self.is_off(node):
            await virsh("vol-clone", "--pool", copy.pool, disk.volume, copy.volume)
        else:
            await self._copy_running(node, disk, copy)
        return await write_record(virsh, copy, about)

    async def restore(self, node: str, label: str) -> None:
        """Put a copy in the place of a disk, whose machine is off; one that has grown since keeps its size."""
        virsh, disk = self._at(node), await self._disk(node)
        copy = next((each for each in await self._copies(virsh) if (each.node, each.label) == (node, label)), None)
        if copy is None:
            raise SoopError(f"{node} has no snapshot {label}", "`soop snapshot list` shows those that there are")
        if not await self.is_off(node):
            raise SoopError(f"{node}: its machine runs", f"shut it down: virsh shutdown {node}")
        size = await capacity(virsh, copy.pool, copy.volume)
        if await virsh.succeeds("vol-path", "--pool", copy.pool, disk.volume):  # not where one was killed here
            size = max(size, await capacity(virsh, copy.pool, disk.volume))
            await virsh("vol-delete", "--pool", copy.pool, disk.volume)
        await virsh("vol-clone", "--pool", copy.pool, copy.volume, disk.volume)
        if size > await capacity(virsh, copy.pool, disk.volume):
            await virsh("vol-resize", "--pool", copy.pool, disk.volume, f"{size}B")

    async def snapshots(self, environment: str) -> Sequence[Snapshot]:
        """Return the complete copies of disks of an environment."""
        virsh = self._at_environment(environment)
        found = [each for each in await self._copies(virsh) if environment_of(_domain(each.node)) == environment]
        return [each for copy in found if (each := await snapshot_of(virsh, copy))]

    async def remove_snapshot(self, node: str, label: str) -> None:
        """Remove a copy."""
        virsh = self._at(node)
        for copy in await self._copies(virsh):
            if (copy.node, copy.label) == (node, label):
                await remove(virsh, copy)

    async def snapshot_size(self, node: str) -> int:
        """Return how much of a disk was ever written."""
        virsh, disk = self._at(node), await self._disk(node)
        return await allocated(virsh, await virsh("vol-pool", disk.path), disk.volume)

    async def _copy_running(self, node: str, disk: Disk, copy: Copy) -> None:
        """Let the machine's QEMU copy a disk, as it is at one moment, into a volume."""
        virsh = self._at(node)
        size = await capacity(virsh, copy.pool, disk.volume)
        await virsh("vol-create-as", copy.pool, copy.volume, f"{size}B", "--format", "qcow2")
        path = await virsh("vol-path", "--pool", copy.pool, copy.volume)
        await self._await_copies(node)  # what a killed run has begun goes on
        await virsh.succeeds("domjobinfo", node, "--completed")  # to read how that ended forgets it
        with NamedTemporaryFile("w", prefix="soop-copy-", suffix=".xml") as file:
            file.write(
                "<domainbackup mode='push'><disks>"
                f"<disk name={quoteattr(disk.target)} backup='yes' type='file'><driver type='qcow2'/>"
                f"<target file={quoteattr(path)}/></disk></disks></domainbackup>"
            )
            file.flush()
            await virsh("backup-begin", node, "--reuse-external", "--backupxml", file.name)
        await self._await_copies(node)
        if "Completed" not in await virsh("domjobinfo", node, "--completed", "--keep-completed"):
            raise SoopError(f"{node}: its disk was not copied", f"look at the log of {node} on libvirt's host")

    async def _await_copies(self, node: str) -> None:
        """Wait until a machine's QEMU copies nothing."""
        deadline = asyncio.get_running_loop().time() + _COPYING
        while await self._at(node).succeeds("backup-dumpxml", node):
            if asyncio.get_running_loop().time() > deadline:
                hint = f"look at it on libvirt's host: virsh domjobinfo {node}"
                raise SoopError(f"{node}: its disk is still being copied after {_COPYING} seconds", hint)
            await asyncio.sleep(_PAUSE)

    async def _copies(self, virsh: Virsh) -> list[Copy]:
        """Return those that have a record, in whatever pool."""
        pools = (await virsh("pool-list", "--name")).split()
        found = []
        for pool in pools:
            names = [line.split()[0] for line in (await virsh("vol-list", pool)).splitlines() if line.strip()]
            found += [copy for name in names if (copy := Copy.of_record(pool, name)) and copy.volume in names]
        return found

    async def _disk(self, node: str) -> Disk:
        """Return the disk of a node that outlives its machines."""
        for line in (await self._at(node)("domblklist", node)).splitlines():
            disk = Disk(*line.split(maxsplit=1))
            if disk.volume == data_volume(node):
                return disk
        raise SoopError(f"{node} has no disk at libvirt")

    async def _address(self, node: str) -> str | None:
        """Return the address that a machine has in its domain's network; None if it is in none."""
        virsh = self._at(node)
        for line in (await virsh("domiflist", node)).splitlines():
            _, _, network, _, mac = line.split()
            if host := _HOST.search(await virsh("net-dumpxml", network)):
                return address_of(mac, host[1])
        return None

    async def _state(self, node: str) -> str:
        return await asyncio.to_thread(self._at(node).run, "domstate", node, seconds=_LOOKING)

    def _connected(self, node: str) -> Virsh:
        return self._at_domain(_domain(node))

    def _at_environment(self, environment: str) -> Virsh:
        return self._at_domain(f"{environment}-")

    def _at_domain(self, domain: str) -> Virsh:
        environment = environment_of_domain(self._project, domain)
        return Virsh(environment.libvirt.uri if isinstance(environment, LibvirtEnvironment) else HERE)


async def _answers(address: str) -> bool:
    """Return whether an SSH server says who it is."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_HELLO):
            reader, writer = await asyncio.open_connection(address, _SSH)
            try:
                return (await reader.readline()).startswith(b"SSH-")
            finally:
                writer.close()
    return False


def _domain(node: str) -> str:
    """Return the domain of what is called like a node."""
    return node.rsplit(".", 1)[-1]

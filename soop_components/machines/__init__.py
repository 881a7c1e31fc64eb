"""Machines: what a backend makes, and no more than that; the transport reaches them, the runner configures them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from soop_components.model.names import environment_of


@dataclass(frozen=True)
class HostKey:
    """An SSH host key pair."""

    private: str = field(repr=False)
    """OpenSSH PEM text."""
    public: str
    """One line, ``ssh-ed25519 AAAA…``."""


@dataclass(frozen=True)
class Attachment:
    """A disk and where the machine sees it."""

    disk: str
    mount: str
    """Absolute path in the machine."""


@dataclass(frozen=True)
class MachineSpec:
    """What a machine must be."""

    name: str
    """The node's name, ``web-1.access-service.dev-access``."""
    image: str
    """The base image's name, ``debian-12``."""
    authorized_keys: tuple[str, ...]
    """Public keys that may log in as root."""
    cpus: int = 1
    memory: int = 512 * 1024**2
    """Bytes."""
    disks: tuple[Attachment, ...] = ()

    @property
    def domain(self) -> str:
        """The domain's id, ``dev-access``."""
        return domain_of(self.name)

    @property
    def environment(self) -> str:
        """The environment's name, ``dev``."""
        return environment_of(self.domain)


@dataclass(frozen=True)
class MachineFacts:
    """What a machine is."""

    name: str
    running: bool
    address: str
    """The same for the machine's whole life, unless somebody else took it while the host was down."""
    host_key: str
    """Public key line of the key that the machine shows."""
    image: str
    image_digest: str
    port: int = 22
    user: str = "root"
    pid: int | None = None
    """Of the program that runs the machine, where there is one on this host."""
    spec: MachineSpec | None = None
    """What the machine was last made to be."""


@dataclass(frozen=True)
class DiskFacts:
    """What a disk is."""

    id: str
    size: int
    """Bytes."""
    used_by: str | None = None
    """Name of the machine that has it now."""


class Machines(Protocol):
    """A backend. Every method can be repeated: what is already so stays so, deleting the absent succeeds."""

    async def create(self, spec: MachineSpec, host_key: HostKey) -> MachineFacts:
        """Make the machine as ``spec`` says and start it; an existing one keeps the host key that it has."""
        ...

    async def start(self, name: str) -> MachineFacts:
        """Start the machine as it was last made and return when it accepts SSH connections."""
        ...

    async def stop(self, name: str) -> None:
        """Shut the machine down; it keeps its files."""
        ...

    async def destroy(self, name: str) -> None:
        """Remove the machine and its files, but not its disks."""
        ...

    async def inspect(self, names: Iterable[str]) -> Mapping[str, MachineFacts]:
        """Return what is known of those of ``names`` that exist."""
        ...

    async def create_disk(self, disk: str, size: int) -> DiskFacts:
        """Make the disk, or let it grow to ``size`` bytes; it never shrinks."""
        ...

    async def inspect_disk(self, disk: str) -> DiskFacts | None:
        """Return what is known of the disk, None if there is no such disk."""
        ...

    async def destroy_disk(self, disk: str) -> None:
        """Remove the disk with its data; refused while a machine uses it."""
        ...


def domain_of(name: str) -> str:
    """Return the domain id out of the name of a node or disk: what follows the last dot."""
    return name.rpartition(".")[2]

"""Kinds of machines: what each folder here offers to a stack's program, inside an update, and to ``soop``.

Machines make, transport reaches, runner configures: none knows the others' business.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from soop_components.errors import SoopError

if TYPE_CHECKING:  # of the program, of the provider and of the command line: none of them loads what the others need
    import pulumi

    from soop_components.machines.snapshots import Snapshot
    from soop_components.model.capacity import Demand
    from soop_components.model.environment import Environment
    from soop_components.model.problem import Problem
    from soop_components.model.service import DiskDefinition
    from soop_components.model.service_plan import NodePlan, ServicePlan
    from soop_components.project import Project
    from soop_components.provider.resource import Resource


WITH_DATA = "SOOP_WITH_DATA"
"""Variable in an engine's environment: an update may delete disks with their data."""
ROTATE_KEY = "SOOP_ROTATE_KEY"
"""Another one: an update makes a second SSH key of the domain (``add``), or lets the first one go (``switch``)."""


REPLACE = "SOOP_REPLACE"
"""Variable in an engine's environment: names of nodes whose machines an update is to replace, with spaces between."""


class Unsupported(SoopError):
    """Something that machines of this kind cannot do."""


def no_snapshots(kind: str) -> str:
    """Say that machines of a kind have no snapshots."""
    return f"machines of the kind {kind} have no snapshots of disks"


@dataclass(frozen=True)
class DomainContext:
    """The domain whose machines a kind declares."""

    domain: str
    environment: Environment
    authorized_key: pulumi.Input[str]
    """Opens the machines to who has the private one; two lines while keys are rotated, which must reach machines
    without making them anew."""
    private_key: pulumi.Input[str]
    parent: pulumi.Resource
    """Of what machines share."""


@dataclass(frozen=True)
class NewestImage:
    """What a new machine of a base would best be made of."""

    base: str
    id: str
    name: str
    """With its architecture and day, ``debian-12-amd64-20261101-2288``."""
    pinned: str
    """The id that the environment names."""


class Infrastructure(ABC):
    """What a kind declares in a stack's program; one is made per domain, with what its machines share."""

    services: Sequence[ServicePlan] = ()
    """What nodes are for."""

    def __init__(self, context: DomainContext) -> None:
        self.context = context

    def prepare(self, services: Sequence[ServicePlan]) -> None:
        """Learn of the domain's services, before any node is declared."""
        self.services = services

    @abstractmethod
    def declare(self, node: NodePlan, image: str, parent: pulumi.Resource) -> pulumi.Output[Mapping[str, Any]]:
        """Declare the machine and the disk of a node, in resources that have the node's name; return its place.

        A place is ``address``, ``port``, ``user``, ``hostKey`` (public key line) and, where they are not the default,
        ``patience``, the seconds until it answers, and ``inside``, the address by which the domain's nodes reach it.
        """

    @abstractmethod
    def declare_disk(self, name: str, disk: DiskDefinition, parent: pulumi.Resource) -> pulumi.Output[str]:
        """Declare the disk of a node as ``declare`` does, also of one that is gone; return its id."""


class Operations(ABC):
    """What a kind does with its machines inside an update. Each may be repeated; ``Unsupported`` says what it lacks."""

    kind: str

    @abstractmethod
    async def start(self, node: str) -> None:
        """Start the machine as it was last made; return when it accepts SSH connections."""

    async def is_off(self, node: str) -> bool:
        """Return whether the machine is there and does not run; False where that cannot be known."""
        return False

    @abstractmethod
    async def stop(self, node: str) -> None:
        """Shut the machine down; it keeps its files."""

    @property
    def rebuilds(self) -> bool:
        """Whether machines of this kind can be made anew in their place."""
        return type(self).rebuild is not Operations.rebuild

    async def rebuild(self, node: str, image: str) -> None:
        """Make the machine's system anew from a base image, and return when it accepts SSH connections.

        It keeps its disks, its address and its host key.
        """
        raise Unsupported(f"{node}: machines of the kind {self.kind} cannot be made anew in their place")

    async def snapshot(self, node: str, label: str, of: str, digest: str) -> Snapshot:
        """Keep what is on a node's disk at one moment, under a label; what the label named before is replaced.

        The machine may run: what was synced is in the snapshot, at least as after a power cut. ``of`` and ``digest``
        say what runs there.
        """
        raise self._no_snapshots()

    async def restore(self, node: str, label: str) -> None:
        """Put on the disk of a stopped node what a snapshot kept, which stays."""
        raise self._no_snapshots()

    async def snapshots(self, environment: str) -> Sequence[Snapshot]:
        """Return the snapshots of all disks of an environment."""
        return ()

    async def remove_snapshot(self, node: str, label: str) -> None:
        """Remove a snapshot; the absent is fine."""
        raise self._no_snapshots()

    async def snapshot_size(self, node: str) -> int:
        """Return how many bytes another snapshot of a node would take at most."""
        raise self._no_snapshots()

    def _no_snapshots(self) -> Unsupported:
        return Unsupported(no_snapshots(self.kind))


class Kind(ABC):
    """A kind of machines; each method imports what it needs, so that a kind costs nothing before it is used."""

    name: str
    """What ``machines:`` of an environment says."""
    machine_type: str
    """Type of the resources, named after nodes, that stand for machines in a stack's state."""
    disk_type: str
    """Type of those, named after nodes as well, that hold data."""
    disks_stay = False
    """Whether data stay where they are when their node goes, since the disk is not ours."""
    has_snapshots = False
    """Whether its ``Operations`` take snapshots of disks."""
    replaces_in_turn = False
    """Whether nodes get new machines by updates, one after the other, and not inside of a rollout."""
    refreshes = False
    """Whether what its machines are is looked at before each update, being resources that are not ours."""
    enforces: frozenset[str] = frozenset()
    """Keys of environments that machines of this kind see to, of those that are only checked for others."""

    def environment(self) -> type[Environment]:
        """Return how an environment's file looks; a subclass has the kind's settings below a key of the kind's name."""
        from soop_components.model.environment import Environment

        return Environment

    sdk = ""
    """Python package that a program needs to declare its machines."""

    def require(self) -> None:
        """Raise ``SoopError`` if that package is not installed: programs that declare no machines do without it."""
        if self.sdk and find_spec(self.sdk) is None:
            package = self.sdk.replace("_", "-")
            raise SoopError(
                f"`machines: {self.name}` needs the Python package {package}, which is not installed",
                f"install it: pip install 'soop-components[{self.name}]'; in a checkout of SOOP itself: "
                f".venv/bin/uv pip install --require-hashes --no-deps -r requirements-{self.name}.txt",
            )

    def settings_problems(self, environment: Environment) -> Sequence[Problem]:
        """Return what is wrong with an environment's file that its types do not say."""
        return ()

    def admission_problem(self, environment: Environment, other: str) -> str | None:
        """Say why nodes of an ``other`` domain cannot be let in, as ``soop:accessibility`` asks; None if they can."""
        return f"machines of the kind {self.name} are not opened to nodes of other domains yet; remove it"

    def base_problem(self, project: Project, environment: Environment, base: str) -> str | None:
        """Say why an environment has no machines with a base image, ``debian-12``; None if it has."""
        return None

    def newest_images(self, environment: Environment) -> Sequence[NewestImage]:
        """Ask for the newest image of each base that an environment names."""
        raise Unsupported(f"machines of the kind {self.name} are not made of images that are offered somewhere")

    def room_problem(self, project: Project, environment: Environment, memory: Mapping[str, int]) -> str | None:
        """Say that there is no room for machines with so many bytes of memory, by node; None if there is."""
        return None

    @abstractmethod
    def infrastructure(self, context: DomainContext) -> Infrastructure:
        """Declare what the machines of a domain share."""

    @abstractmethod
    def operations(self, project: Project) -> Operations:
        """Return the operations on the machines of a project."""

    def resources(self) -> Sequence[Resource]:
        """Return the custom resources that our provider serves for this kind."""
        return ()

    def is_disk(self, type: str, name: str) -> bool:
        """Return whether a resource of a stack's state holds the data of a node."""
        return type == self.disk_type

    def place(self, outputs: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the place of a machine, of which a stack's state has these outputs; empty if it is nowhere yet."""
        found: Mapping[str, Any] = outputs.get("place") or {}
        return found

    def unknown_native(self, type: str, name: str) -> str:
        """Say what to do about a native resource that a killed run may have made, and that no state knows."""
        return f"look for it at {type.split(':')[0]}, by the tag Name={name}, and delete it there"

    def existing(self, project: Project, environment: str) -> Mapping[str, Demand]:
        """Return what the domains of an environment take now, as far as that can be seen without asking anybody."""
        return {}

    def sweep(self, project: Project) -> Sequence[str]:
        """Remove what killed runs left, never anything that lives; return what it was."""
        return ()

    def clean(self, project: Project) -> bool:
        """Remove all machines and disks of a project, also if its state is gone; return False if they are elsewhere."""
        return False

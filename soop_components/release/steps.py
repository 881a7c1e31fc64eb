"""The steps of rollouts, rollbacks and restarts, as data.

A new kind of step is a class here, its place in an order (``order``), and its case where that order is carried out,
which mypy insists on.
"""

from __future__ import annotations

from dataclasses import dataclass

from soop_components.model.service import HookName
from soop_components.release.downgrade import Targets


@dataclass(frozen=True)
class _OnNodes:
    nodes: tuple[str, ...]


class WriteHosts(_OnNodes):
    """Write the addresses of all nodes of the domain on each node, those that leave included."""


class SendBlobs(_OnNodes):
    """Send to each node the blobs that it does not have."""


@dataclass(frozen=True)
class _OfSnapshot(_OnNodes):
    label: str


class TakeSnapshot(_OfSnapshot):
    """Keep what is on the disks of a batch of nodes, under a label."""


class RestoreSnapshot(_OfSnapshot):
    """Put on the disks of a batch of nodes what a snapshot kept; their machines stop and start for it."""


class HandOver(_OnNodes):
    """Stop what writes the data that moves, and put it on the disks as the new machines can read it."""


class Rebuild(_OnNodes):
    """Make the machines of a batch of nodes anew in their places, and send them what their plans need; disks stay."""


class Configure(_OnNodes):
    """Apply the plan on a batch of nodes; each is healthy afterwards, or has failed."""


@dataclass(frozen=True)
class RunHook(_OnNodes):
    """Run a hook on the nodes of a batch whose role has it; where it fails, a rollout ends, and a rollback goes on."""

    hook: HookName


@dataclass(frozen=True)
class Watch(_OnNodes):
    """See that a batch of nodes stays healthy, as it was configured, for so many seconds."""

    seconds: int


@dataclass(frozen=True)
class Pause:
    """Wait for so many seconds."""

    seconds: int


@dataclass(frozen=True)
class MigrateDown(_OnNodes):
    """Undo migrations, with what the databases remember of the newer version; each as a whole or not at all."""

    targets: Targets


@dataclass(frozen=True)
class RunSmokeTests(_OnNodes):
    """Try out the service as a whole, or nodes of it, by the smoke tests of these names."""

    tests: tuple[str, ...] = ()
    """All of them if none is named."""


class AcceptVersion(_OnNodes):
    """Make what runs the accepted version; where one node fails to, all are rolled back."""


class RollBack(_OnNodes):
    """Configure a batch of nodes as their last good version."""


class RestartServices(_OnNodes):
    """Restart the services of a batch of nodes; each is healthy afterwards, or has failed."""


DiskStep = TakeSnapshot | RestoreSnapshot
SharedStep = RunHook | Watch | Pause | RunSmokeTests
"""Steps that rollouts and restarts share."""
Step = WriteHosts | SendBlobs | DiskStep | HandOver | Rebuild | Configure | MigrateDown | AcceptVersion | SharedStep
RollbackStep = RunHook | RestoreSnapshot | RollBack
RestartStep = RestartServices | SharedStep


@dataclass(frozen=True)
class Parallel:
    """Sequences of steps that do not wait for each other."""

    lanes: tuple[tuple[Step, ...], ...]

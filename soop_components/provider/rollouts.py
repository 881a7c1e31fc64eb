"""Begins rollouts for the resources that have one: nodes over SSH, progress on their rows, blobs out of the store."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from functools import cache, partial
from pathlib import Path

from soop_components.errors import SoopError
from soop_components.machines import REPLACE
from soop_components.machines.kinds import kind_of
from soop_components.machines.snapshots import Snapshots
from soop_components.project import Project
from soop_components.provider.resource import Context
from soop_components.release.disks import Disks
from soop_components.release.inputs import ReleaseInputs
from soop_components.release.node import Blobs, Node
from soop_components.release.rebuilding import Rebuilding
from soop_components.release.rollout import Rollout
from soop_components.release.runner_archive import RunnerArchive
from soop_components.release.sessions import Sessions

_SERVICE = "soop:index:Service"


class Rollouts:
    """Rollouts that use one set of sessions."""

    def __init__(self) -> None:
        self._sessions = Sessions(RunnerArchive.build())

    def begin(
        self,
        context: Context,
        release: ReleaseInputs,
        previous: ReleaseInputs | None,
        replace: Collection[str] = (),
    ) -> Rollout:
        """Return the rollout of a service, which also replaces some machines; nothing is done yet."""
        blobs = blobs_of(release)
        if previous and previous.digest != release.digest:  # for new machines that are rolled back
            makes_new = replace or previous.base != release.base
            blobs = either(blobs, blobs_of(previous) if makes_new else blobs_when_asked(previous))
        nodes = self.nodes(context, release)
        before = self.nodes(context, previous) if previous else {}
        leaving = {name: node for name, node in before.items() if name not in nodes}
        disks = Disks(snapshots_of(release))
        rebuilding = Rebuilding(release, nodes, blobs, kind_of(release.machines).operations(Project.find()), replace)
        watched = context.cancellation, context.progress
        return Rollout(release, previous, nodes, leaving, blobs, *watched, rebuilding, disks=disks)

    def nodes(self, context: Context, release: ReleaseInputs) -> dict[str, Node]:
        """Return the nodes of a release, each of which reports on its own row."""
        return {
            name: Node(
                node.target, release.private_key, self._sessions, context.progress.of(node_urn(context.urn, name))
            )
            for name, node in release.nodes.items()
        }


def blobs_of(release: ReleaseInputs) -> Blobs:
    """Return where the blobs of a release's artifact lie."""
    from soop_components.artifact.store import Store  # with all that reads artifacts, only where one is deployed

    artifact = Store(Project.find().store).open(release.reference)
    if artifact.digest != release.digest:
        raise SoopError(
            f"{release.reference} in the store is {artifact.digest}, but {release.digest} is to be deployed",
            "run `pulumi up` again: the store changed in between",
        )
    return artifact.blob_path


def blobs_when_asked(release: ReleaseInputs) -> Blobs:
    """Return the same, of an artifact that may be gone: it is opened when the first of them is asked for."""
    opened = cache(partial(blobs_of, release))
    return lambda digest: opened()(digest)


def either(first: Blobs, second: Blobs) -> Blobs:
    """Return the blobs of two artifacts."""

    def path(digest: str) -> Path:
        try:
            return first(digest)
        except SoopError:
            return second(digest)

    return path


def replaced(nodes: Iterable[str]) -> list[str]:
    """Return the nodes whose machines are to be replaced."""
    asked = os.environ.get(REPLACE, "").split()
    return [name for name in nodes if name in asked]


def snapshots_of(release: ReleaseInputs) -> Snapshots | None:
    """Return the snapshots of a release's disks; None if it has none."""
    if not any(role.disk for role in release.roles.values()):
        return None
    kind = kind_of(release.machines)
    return Snapshots(kind.operations(Project.find()), release.environment, release.snapshots)


def node_urn(urn: str, node: str) -> str:
    """Return the URN of the component that stands for a node, by that of a release or of a group of them."""
    head, types, _ = urn.rsplit("::", 2)
    parent = types.rpartition("$")[0]
    service = parent if parent.endswith(_SERVICE) else f"{parent}${_SERVICE}"
    return f"{head}::{service}$soop:index:Node::{node}"

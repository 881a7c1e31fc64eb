"""One attempt to lead the nodes of a service from one release to another: its parts, and what became of the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from soop_components.release.inputs import ReleaseInputs
from soop_components.release.moves import moved_roles
from soop_components.release.node import Node, NodeFailure
from soop_components.runner.protocol import Failed


class Attempt:
    """What a rollout and its rollback know in common."""

    def __init__(self, wanted: ReleaseInputs, previous: ReleaseInputs | None, nodes: Mapping[str, Node]) -> None:
        self.wanted = wanted
        self.previous = previous
        """What the state names; None when the service is new."""
        self.nodes = nodes
        self.names = wanted.names(previous)
        """The addresses that nodes get."""
        self.previous_secrets = previous.secrets if previous else wanted.secrets
        self.moved_roles = moved_roles(previous, wanted)
        """Roles with data that newer programs are to read."""
        self.configured: list[str] = []
        """Nodes on which an apply was begun, in this order."""
        self.down: set[str] = set()
        """Those of them on which it did not succeed."""
        self.rolled_back: set[str] = set()
        """Those that have rolled themselves back."""
        self.own_failures: dict[str, Failed] = {}
        """Why others of them could not."""

    def last_good(self, name: str) -> str | None:
        """Return the plan digest that the state names for a node."""
        return self.previous.plan_digest(name) if self.previous and name in self.previous.nodes else None

    def moves_data(self, name: str) -> bool:
        """Return whether data of a node moves to newer programs."""
        return self.wanted.nodes[name].role in self.moved_roles

    def programs(self, name: str) -> set[str]:
        """Return the digests of blobs with programs that a rollout or its rollback runs on a node."""
        releases = [release for release in (self.previous, self.wanted) if release and name in release.nodes]
        return {blob for release in releases for blob in release.program_blobs(name)}

    def begin(self, names: Sequence[str]) -> None:
        """Note that nodes are changed from now on."""
        self.configured += [name for name in names if name not in self.configured]
        self.down.update(names)

    def succeeded(self, name: str) -> None:
        """Note that an apply on a node has succeeded."""
        self.down.discard(name)

    def failed(self, name: str, failure: NodeFailure) -> None:
        """Note that an apply on a node has failed, and whether the node has rolled itself back."""
        if failure.failed.rolled_back:
            self.rolled_back.add(name)
        elif failure.failed.rollback_failure:
            self.own_failures[name] = failure.failed.rollback_failure

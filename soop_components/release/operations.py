"""What a release asks of a node; how that is carried out, it does not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

from soop_components.runner.protocol import Inspected, NodeStatus, ScriptEnded

Document = Mapping[str, Any]
"""What one node must be, as its runner reads it."""
Blobs = Callable[[str], Path]
"""Where a blob lies on the deployer, by digest; checks the blob."""


class Progress(Protocol):
    """Where a release reports about one resource or node."""

    async def show(self, message: str) -> None:
        """Show what is going on now; the next message replaces it."""


class NodeOperations(Protocol):
    """One node of a release; what fails raises ``SoopError``, whose message begins with the node's name.

    ``last_good`` is the plan digest of the version that the state names for the node, if it names one.
    """

    progress: Progress

    async def open(self, patience: float) -> object:
        """Connect unless connected; ``Unreachable`` after ``patience`` seconds."""

    async def status(self, patience: float) -> NodeStatus:
        """Return what runs, how it differs from how it was left, and whether it is healthy."""

    async def inspect(
        self, document: Document, secrets: Mapping[str, str], blobs: Iterable[str], last_good: str | None
    ) -> Inspected:
        """Return what runs, what a rollback leads to, which blobs are missing and what an apply would change."""

    async def hosts(self, hosts: Mapping[str, str]) -> None:
        """Write the addresses of the domain's nodes."""

    async def receive(self, digests: Iterable[str], blobs: Blobs) -> None:
        """Send blobs to the node."""

    async def apply(
        self,
        document: Document,
        secrets: Mapping[str, str],
        previous_secrets: Mapping[str, str],
        hosts: Mapping[str, str],
        last_good: str | None,
    ) -> None:
        """Make the node what a document says; after a failure, the node has rolled itself back if it could."""

    async def roll_back(self, secrets: Mapping[str, str], hosts: Mapping[str, str], last_good: str | None) -> None:
        """Make the node what its last good document says."""

    async def accept(self, plan_digest: str, blobs: Iterable[str], last_good: str | None) -> None:
        """Make what runs the accepted version; keep its blobs, those of the last good one and these."""

    async def script(self, blob: str, source: str, environment: Mapping[str, str], timeout: int) -> ScriptEnded:
        """Run a program out of a blob."""

    async def logs(self, secrets: Mapping[str, str]) -> str:
        """Return the end of what the service said, without the secrets."""

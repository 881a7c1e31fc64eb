"""What a custom resource of ours is to the servicer: typed requests in, plain results out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from soop_components.errors import SoopError
from soop_components.provider.diff import Change
from soop_components.provider.progress import Progress
from soop_components.provider.wire import Properties
from soop_components.release.cancellation import Cancellation


@dataclass(frozen=True)
class Context:
    """What every operation gets: whose resource, where to report, and when to stop."""

    urn: str
    progress: Progress
    cancellation: Cancellation

    @property
    def name(self) -> str:
        """The resource's name, the last part of its URN."""
        return self.urn.rsplit("::", 1)[-1]


@dataclass(frozen=True)
class Created:
    """A new resource: its id and outputs."""

    id: str
    outputs: Properties


@dataclass(frozen=True)
class ReadResult:
    """What a read found: outputs as they are now, and what is wrong, if anything."""

    outputs: Properties
    problems: Sequence[str] = ()


@dataclass(frozen=True)
class Difference:
    """What an update would change, by property path, and which of these changes need a new resource."""

    changes: dict[str, Change] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()


class PartialFailure(SoopError):
    """A resource that exists but is not right; Pulumi keeps it and tries again at the next update."""

    def __init__(self, message: str, *, id: str, outputs: Properties, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.id = id
        self.outputs = outputs


class Resource(Protocol):
    """One kind of custom resource."""

    kind: str
    """Type token, ``soop:index:Machine``."""
    refresh_before_update: bool
    """Whether the engine reads it before each preview and update."""

    def check(self, inputs: Properties) -> dict[str, str]:
        """Return what is wrong with the inputs: property -> reason."""
        ...

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Compare what the resource was last given and is with what it should be given."""
        ...

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Return the outputs that a preview of create (no outputs yet) or update shows."""
        ...

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Make it, or adopt what an interrupted create left behind."""
        ...

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> ReadResult | None:
        """Measure it; ``None`` says that it is gone."""
        ...

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Change it and return its outputs."""
        ...

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Remove it; removing the absent succeeds."""
        ...

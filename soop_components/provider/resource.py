"""What a custom resource of ours is to the servicer: typed requests in, plain results out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from soop_components.errors import SoopError
from soop_components.provider.diff import PropertyChange
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.wire import Properties
from soop_components.release.cancellation import Cancellation


@dataclass(frozen=True)
class Context:
    """What every operation gets: whose resource, where to report, and when to stop."""

    urn: str
    progress: EngineProgress
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


class DeployedArtifact(NamedTuple):
    """A service's artifact that a resource deploys."""

    service: str
    version: str
    digest: str


@dataclass(frozen=True)
class Difference:
    """What an update would change, by property path, and which of these changes need a new resource."""

    changes: dict[str, PropertyChange] = field(default_factory=dict)
    replaces: tuple[str, ...] = ()


class PartialFailure(SoopError):
    """A resource that exists but is not right; Pulumi keeps it and tries again at the next update."""

    def __init__(self, message: str, *, id: str, outputs: Properties) -> None:
        super().__init__(message)
        self.id = id
        self.outputs = outputs


class Resource:
    """One type of custom resource; without methods of its own, it exists in Pulumi's state alone and never changes."""

    kind: str
    """Type token, ``soop:index:Machine``."""
    refresh_before_update = False
    """Whether the engine reads it before each preview and update."""
    owns_artifacts = True
    """Whether its deletion means that the artifacts it deployed are gone."""

    def check(self, inputs: Properties) -> dict[str, str]:
        """Return what is wrong with the inputs: property -> reason."""
        return {}

    def diff(self, inputs: Properties, outputs: Properties, wanted: Properties) -> Difference:
        """Compare what the resource was last given and is with what it should be given."""
        return Difference()

    def artifacts(self, properties: Properties) -> tuple[DeployedArtifact, ...]:
        """Return the artifacts that these inputs deploy, or that these outputs say are accepted."""
        return ()

    def preview(self, context: Context, outputs: Properties, wanted: Properties) -> Properties:
        """Return the outputs that a preview of create (no outputs yet) or update shows."""
        raise NotImplementedError

    async def announce(self, context: Context, inputs: Properties, outputs: Properties, wanted: Properties) -> None:
        """Show, in a preview, what an update would do besides what the difference shows."""

    async def create(self, context: Context, wanted: Properties) -> Created:
        """Create it, or adopt what an interrupted create left behind."""
        raise NotImplementedError

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Properties | None:
        """Return its outputs as they are now; ``None`` says that it is gone."""
        return outputs

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Change it and return its outputs."""
        return outputs

    def holds_data(self, context: Context, inputs: Properties) -> SoopError | None:
        """Say which data would go with it, so that an update deletes it only when the user has said so; None: none."""
        return None

    def engine_ended(self) -> None:
        """Forget what belongs to a run that has ended."""

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Remove it; removing what is absent succeeds."""

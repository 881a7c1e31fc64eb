"""Resources whose only home is Pulumi's state: made once, kept as they are."""

from __future__ import annotations

from soop_components.provider.resource import Context, Measured
from soop_components.provider.wire import Properties


class Stored:
    """Reads, updates and deletes of a resource that exists nowhere but in the state."""

    measured = False

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> Measured | None:
        """Return what is stored."""
        return Measured(outputs)

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Keep what is stored."""
        return outputs

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Forget it."""

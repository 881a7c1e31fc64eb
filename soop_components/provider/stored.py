"""Resources whose only home is Pulumi's state: made once, kept as they are."""

from __future__ import annotations

from soop_components.provider.resource import Context, ReadResult
from soop_components.provider.wire import Properties


class Stored:
    """Reads, updates and deletes of a resource that exists nowhere but in the state."""

    refresh_before_update = False

    async def read(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> ReadResult | None:
        """Return what is stored."""
        return ReadResult(outputs)

    async def update(
        self, context: Context, id: str, inputs: Properties, outputs: Properties, wanted: Properties
    ) -> Properties:
        """Keep what is stored."""
        return outputs

    async def delete(self, context: Context, id: str, inputs: Properties, outputs: Properties) -> None:
        """Forget it."""

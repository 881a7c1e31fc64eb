"""Messages that appear beside a resource in Pulumi's own display while it is being worked on."""

from __future__ import annotations

import grpc
import grpc.aio
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc


class EngineProgress:
    """Reports about one resource; losing a message is never an error."""

    def __init__(self, engine: engine_pb2_grpc.EngineStub | None, urn: str) -> None:
        self._engine = engine
        self._urn = urn

    def of(self, urn: str) -> EngineProgress:
        """Return the same reports under another resource's name."""
        return EngineProgress(self._engine, urn)

    async def show(self, message: str) -> None:
        """Show what is going on now; the next message replaces it."""
        await self._log(engine_pb2.INFO, message, ephemeral=True)

    async def tell(self, message: str) -> None:
        """Show a message that stays after the run."""
        await self._log(engine_pb2.INFO, message, ephemeral=False)

    async def warn(self, message: str) -> None:
        """Show a warning that stays after the run."""
        await self._log(engine_pb2.WARNING, message, ephemeral=False)

    async def _log(self, severity: engine_pb2.LogSeverity.ValueType, message: str, *, ephemeral: bool) -> None:
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=message, urn=self._urn, ephemeral=ephemeral)
        try:
            await self._engine.Log(request)
        except grpc.aio.AioRpcError:
            return

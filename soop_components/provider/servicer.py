"""The gRPC face of the provider: decodes requests, calls the resource, encodes what it returns."""

from __future__ import annotations

import asyncio
import os
import traceback
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from grpc.aio import ServicerContext
from pulumi.runtime.proto import engine_pb2_grpc, plugin_pb2, provider_pb2_grpc, status_pb2
from pulumi.runtime.proto import provider_pb2 as pb

from soop_components.errors import SoopError
from soop_components.history.notes import Outcome
from soop_components.machines import WITH_DATA
from soop_components.provider.engine_progress import EngineProgress
from soop_components.provider.resource import Context, PartialFailure, Resource
from soop_components.provider.run_notes import noted
from soop_components.provider.wire import decode, encode
from soop_components.release.cancellation import Cancellation
from soop_components.transport.ssh import load_library

_NO_IMPORT = (
    "{} cannot be imported: what a domain has is made by `pulumi up` out of its definition, "
    "which also adopts what an interrupted run left behind"
)


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves a fixed set of resources."""

    def __init__(self, resources: Sequence[Resource], version: str) -> None:
        self._resources = {resource.kind: resource for resource in resources}
        self._version = version
        self._engine_address = ""
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._operations = 0
        self._was_abandoned = False
        self._has_program = False
        """Whether the engine runs a program: in an update, not when all or what was named is destroyed."""
        self._loading: asyncio.Future[None] | None = None
        self._cancellations: defaultdict[str, Cancellation] = defaultdict(Cancellation)
        """By the engine's connection: it ends each preview with ``Cancel``, which must not cancel the update."""

    def add_to(self, server: grpc.aio.Server) -> None:
        """Answer the calls that this server receives."""
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(self, server)

    def log_to(self, engine_address: str) -> None:
        """Send progress messages to the engine at this address, to nobody if it is empty."""
        if engine_address != self._engine_address:
            self._engine_address = engine_address
            channel = grpc.aio.insecure_channel(engine_address) if engine_address else None
            self._engine = engine_pb2_grpc.EngineStub(channel) if channel else None

    def reset(self) -> None:
        """Forget the last engine: connections of the next one may have the same names."""
        self.log_to("")
        self._cancellations.clear()
        self._was_abandoned = False
        self._has_program = False
        for resource in self._resources.values():
            resource.engine_ended()

    def cancel(self) -> None:
        """Ask all operations to end."""
        for cancellation in self._cancellations.values():
            cancellation.request()

    @property
    def is_busy(self) -> bool:
        """Whether an operation is running, or was abandoned by the engine before its end."""
        return self._operations > 0 or self._was_abandoned

    def _resource(self, urn: str) -> Resource:
        token = urn.split("::")[-2].rsplit("$", 1)[-1]
        if token not in self._resources:
            raise SoopError(f"{token} is not a resource of provider soop {self._version}")
        return self._resources[token]

    @asynccontextmanager
    async def _operation(self, urn: str, context: ServicerContext) -> AsyncIterator[tuple[Resource, Context]]:
        """Yield the resource and what its operation gets; what that raises becomes one clean message."""
        self._operations += 1
        try:
            yield (
                self._resource(urn),
                Context(urn, EngineProgress(self._engine, urn), self._cancellations[context.peer()]),
            )
        except asyncio.CancelledError:
            self._was_abandoned = True
            raise
        except Exception as error:
            await _fail(context, error)
        finally:
            self._operations -= 1

    def _preload(self) -> None:
        """Begin to load what connections need; a preview of what does not exist yet needs none."""
        if self._loading is None:
            self._loading = asyncio.get_running_loop().run_in_executor(None, load_library)

    async def GetPluginInfo(self, request: Any, context: ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    async def CheckConfig(self, request: pb.CheckRequest, context: ServicerContext) -> pb.CheckResponse:
        return pb.CheckResponse(inputs=request.news)

    async def DiffConfig(self, request: pb.DiffRequest, context: ServicerContext) -> pb.DiffResponse:
        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE)

    async def Configure(self, request: pb.ConfigureRequest, context: ServicerContext) -> pb.ConfigureResponse:
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Cancel(self, request: empty_pb2.Empty, context: ServicerContext) -> empty_pb2.Empty:
        self._cancellations[context.peer()].request()
        return empty_pb2.Empty()

    async def Check(self, request: pb.CheckRequest, context: ServicerContext) -> pb.CheckResponse:
        async with self._operation(request.urn, context) as (resource, _):
            self._has_program = True
            failures = resource.check(decode(request.news))
            reasons = [pb.CheckFailure(property=key, reason=reason) for key, reason in failures.items()]
            return pb.CheckResponse(inputs=request.news, failures=reasons)

    async def Diff(self, request: pb.DiffRequest, context: ServicerContext) -> pb.DiffResponse:
        async with self._operation(request.urn, context) as (resource, _):
            found = resource.diff(decode(request.old_inputs), decode(request.olds), decode(request.news))
            detailed = {
                path: pb.PropertyDiff(
                    kind=pb.PropertyDiff.Kind.Value(change.value + ("_REPLACE" if path in found.replaces else "")),
                    inputDiff=_top(path) in request.news.fields or _top(path) in request.old_inputs.fields,
                )
                for path, change in found.changes.items()
            }
            return pb.DiffResponse(
                changes=pb.DiffResponse.DIFF_SOME if found.changes else pb.DiffResponse.DIFF_NONE,
                diffs=sorted({_top(path) for path in found.changes}),
                replaces=sorted({_top(path) for path in found.replaces}),
                deleteBeforeReplace=bool(found.replaces),
                detailedDiff=detailed,
                hasDetailedDiff=True,
            )

    async def Create(self, request: pb.CreateRequest, context: ServicerContext) -> pb.CreateResponse:
        async with self._operation(request.urn, context) as (resource, operation):
            wanted = decode(request.properties)
            if request.preview:
                return pb.CreateResponse(properties=encode(resource.preview(operation, {}, wanted)))
            self._preload()
            with noted(request.urn, resource, wanted):
                created = await resource.create(operation, wanted)
            return pb.CreateResponse(
                id=created.id, properties=encode(created.outputs), refresh_before_update=resource.refresh_before_update
            )

    async def Read(self, request: pb.ReadRequest, context: ServicerContext) -> pb.ReadResponse:
        async with self._operation(request.urn, context) as (resource, operation):
            if not request.inputs.fields and not request.properties.fields:
                raise SoopError(_NO_IMPORT.format(operation.name))
            self._preload()
            found = await resource.read(operation, request.id, decode(request.inputs), decode(request.properties))
            if found is None:
                return pb.ReadResponse(id="")
            return pb.ReadResponse(
                id=request.id,
                inputs=request.inputs,
                properties=encode(found),
                refresh_before_update=resource.refresh_before_update,
            )

    async def Update(self, request: pb.UpdateRequest, context: ServicerContext) -> pb.UpdateResponse:
        async with self._operation(request.urn, context) as (resource, operation):
            inputs, outputs, wanted = decode(request.old_inputs), decode(request.olds), decode(request.news)
            if request.preview:
                await resource.announce(operation, inputs, outputs, wanted)
                return pb.UpdateResponse(properties=encode(resource.preview(operation, outputs, wanted)))
            self._preload()
            with noted(request.urn, resource, wanted, inputs, outputs):
                changed = await resource.update(operation, request.id, inputs, outputs, wanted)
            return pb.UpdateResponse(properties=encode(changed), refresh_before_update=resource.refresh_before_update)

    async def Delete(self, request: pb.DeleteRequest, context: ServicerContext) -> empty_pb2.Empty:
        async with self._operation(request.urn, context) as (resource, operation):
            inputs, outputs = decode(request.old_inputs), decode(request.properties)
            gone = outputs if resource.owns_artifacts else {}
            with noted(request.urn, resource, gone, inputs, success=Outcome.REMOVED):
                data = resource.holds_data(operation, inputs)
                if data and self._has_program and not os.environ.get(WITH_DATA):
                    raise data
                await resource.delete(operation, request.id, inputs, outputs)
            return empty_pb2.Empty()


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


async def _fail(context: ServicerContext, error: Exception) -> NoReturn:
    """End the call with one clean message, or with a partial failure that the engine keeps."""
    if isinstance(error, PartialFailure):
        message, code = str(error), grpc.StatusCode.UNKNOWN
        detail = pb.ErrorResourceInitFailed(
            id=error.id, properties=encode(error.outputs), reasons=[message], refresh_before_update=True
        )
        status = status_pb2.Status(code=code.value[0], message=message)
        status.details.add().Pack(detail)
        await context.abort(code, message, (("grpc-status-details-bin", status.SerializeToString()),))
    if isinstance(error, SoopError):
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    trace = "".join(traceback.format_exception(error))
    await context.abort(grpc.StatusCode.INTERNAL, f"unexpected failure in provider soop, please report it:\n{trace}")
    raise AssertionError("abort returns never")

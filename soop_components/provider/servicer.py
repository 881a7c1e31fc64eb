"""The gRPC face of the provider: decodes requests, calls the resource, encodes what it returns."""

from __future__ import annotations

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2_grpc, plugin_pb2, provider_pb2, provider_pb2_grpc, status_pb2

from soop_components.errors import SoopError
from soop_components.provider.diff import Change
from soop_components.provider.progress import Progress
from soop_components.provider.resource import Context, PartialFailure, ReadResult, Resource
from soop_components.provider.wire import Properties, decode, encode
from soop_components.release.cancellation import Cancellation

_KIND = provider_pb2.PropertyDiff.Kind
_PLAIN = {Change.ADDED: _KIND.ADD, Change.REMOVED: _KIND.DELETE, Change.UPDATED: _KIND.UPDATE}
_REPLACING = {
    Change.ADDED: _KIND.ADD_REPLACE,
    Change.REMOVED: _KIND.DELETE_REPLACE,
    Change.UPDATED: _KIND.UPDATE_REPLACE,
}


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """Serves a fixed set of resources."""

    def __init__(self, resources: Sequence[Resource], version: str, get_ready: Callable[[], object]) -> None:
        """Call ``get_ready`` before each operation that looks at what there is, or changes it."""
        self._resources = {resource.kind: resource for resource in resources}
        self._version = version
        self._get_ready = get_ready
        self._engine_address = ""
        self._engine: engine_pb2_grpc.EngineStub | None = None
        self._operations = 0
        self._cut_off = False
        self._cancellations: defaultdict[str, Cancellation] = defaultdict(Cancellation)
        """By the engine's connection: the preview's last word is that it is over, which means nothing to the update."""

    def report_to(self, engine_address: str) -> None:
        """Say from now on what goes on to the engine at this address, to nobody if it is empty."""
        if engine_address != self._engine_address:
            self._engine_address = engine_address
            channel = grpc.aio.insecure_channel(engine_address) if engine_address else None
            self._engine = engine_pb2_grpc.EngineStub(channel) if channel else None

    def forget(self) -> None:
        """Be as new for the next engine, whose connections may bear the names of those of the last."""
        self.report_to("")
        self._cancellations.clear()
        self._cut_off = False

    def cancel(self) -> None:
        """Ask all operations to end."""
        for cancellation in self._cancellations.values():
            cancellation.request()

    @property
    def at_work(self) -> bool:
        """Whether an operation goes on, or was given up by the engine before its end."""
        return self._operations > 0 or self._cut_off

    def _resource(self, urn: str) -> Resource:
        token = urn.split("::")[-2].rsplit("$", 1)[-1]
        if token not in self._resources:
            raise SoopError(f"{token} is not a resource of provider soop {self._version}")
        return self._resources[token]

    @contextmanager
    def _operation(self, urn: str, context: grpc.aio.ServicerContext) -> Iterator[Context]:
        self._operations += 1
        try:
            yield Context(urn, Progress(self._engine, urn), self._cancellations[context.peer()])
        except asyncio.CancelledError:
            self._cut_off = True
            raise
        finally:
            self._operations -= 1

    async def GetPluginInfo(self, request: Any, context: grpc.aio.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._version)

    async def CheckConfig(
        self, request: provider_pb2.CheckRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.CheckResponse:
        return provider_pb2.CheckResponse(inputs=request.news)

    async def DiffConfig(
        self, request: provider_pb2.DiffRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.DiffResponse:
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    async def Configure(
        self, request: provider_pb2.ConfigureRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    async def Cancel(self, request: empty_pb2.Empty, context: grpc.aio.ServicerContext) -> empty_pb2.Empty:
        self._cancellations[context.peer()].request()
        return empty_pb2.Empty()

    async def Check(
        self, request: provider_pb2.CheckRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.CheckResponse:
        try:
            failures = self._resource(request.urn).check(decode(request.news))
        except Exception as error:
            await _fail(context, error)
        reasons = [provider_pb2.CheckFailure(property=key, reason=reason) for key, reason in failures.items()]
        return provider_pb2.CheckResponse(inputs=request.news, failures=reasons)

    async def Diff(
        self, request: provider_pb2.DiffRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.DiffResponse:
        try:
            found = self._resource(request.urn).diff(
                decode(request.old_inputs), decode(request.olds), decode(request.news)
            )
        except Exception as error:
            await _fail(context, error)
        changes = provider_pb2.DiffResponse.DIFF_SOME if found.changes else provider_pb2.DiffResponse.DIFF_NONE
        detailed = {
            path: provider_pb2.PropertyDiff(
                kind=(_REPLACING if path in found.replaces else _PLAIN)[change],
                inputDiff=_top(path) in request.news.fields or _top(path) in request.old_inputs.fields,
            )
            for path, change in found.changes.items()
        }
        return provider_pb2.DiffResponse(
            changes=changes,
            diffs=sorted({_top(path) for path in found.changes}),
            replaces=sorted({_top(path) for path in found.replaces}),
            deleteBeforeReplace=bool(found.replaces),
            detailedDiff=detailed,
            hasDetailedDiff=True,
        )

    async def Create(
        self, request: provider_pb2.CreateRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.CreateResponse:
        wanted = decode(request.properties)
        try:
            resource = self._resource(request.urn)
            with self._operation(request.urn, context) as operation:
                if request.preview:
                    return provider_pb2.CreateResponse(properties=encode(resource.preview(operation, {}, wanted)))
                self._get_ready()
                created = await resource.create(operation, wanted)
        except Exception as error:
            await _fail(context, error)
        return provider_pb2.CreateResponse(
            id=created.id, properties=encode(created.outputs), refresh_before_update=resource.refresh_before_update
        )

    async def Read(
        self, request: provider_pb2.ReadRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.ReadResponse:
        try:
            resource = self._resource(request.urn)
            inputs, outputs = decode(request.inputs), decode(request.properties)
            with self._operation(request.urn, context) as operation:
                self._get_ready()
                found = await resource.read(operation, request.id, inputs, outputs)
        except Exception as error:
            await _fail(context, error)
        if found is None:
            return provider_pb2.ReadResponse(id="")
        await _refuse_if_wrong(context, request, found)
        return provider_pb2.ReadResponse(
            id=request.id,
            inputs=request.inputs,
            properties=encode(found.outputs),
            refresh_before_update=resource.refresh_before_update,
        )

    async def Update(
        self, request: provider_pb2.UpdateRequest, context: grpc.aio.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        inputs, outputs, wanted = decode(request.old_inputs), decode(request.olds), decode(request.news)
        try:
            resource = self._resource(request.urn)
            with self._operation(request.urn, context) as operation:
                if request.preview:
                    previewed = resource.preview(operation, outputs, wanted)
                    return provider_pb2.UpdateResponse(properties=encode(previewed))
                self._get_ready()
                changed = await resource.update(operation, request.id, inputs, outputs, wanted)
        except Exception as error:
            await _fail(context, error)
        return provider_pb2.UpdateResponse(
            properties=encode(changed), refresh_before_update=resource.refresh_before_update
        )

    async def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.aio.ServicerContext) -> empty_pb2.Empty:
        try:
            resource = self._resource(request.urn)
            inputs, outputs = decode(request.old_inputs), decode(request.properties)
            with self._operation(request.urn, context) as operation:
                await resource.delete(operation, request.id, inputs, outputs)
        except Exception as error:
            await _fail(context, error)
        return empty_pb2.Empty()


def _top(path: str) -> str:
    return path.split(".", 1)[0].split("[", 1)[0]


async def _fail(context: grpc.aio.ServicerContext, error: Exception) -> NoReturn:
    """End the call with one clean message, or with a partial failure that the engine keeps."""
    if isinstance(error, PartialFailure):
        detail = _initialisation_failure(error.id, error.outputs, None, str(error))
        await _abort_with_detail(context, str(error), detail)
    if isinstance(error, SoopError):
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    trace = "".join(traceback.format_exception(error))
    await context.abort(grpc.StatusCode.INTERNAL, f"unexpected failure in provider soop, please report it:\n{trace}")
    raise AssertionError("abort returns never")


async def _refuse_if_wrong(
    context: grpc.aio.ServicerContext, request: provider_pb2.ReadRequest, found: ReadResult
) -> None:
    """Tell the engine that the resource is there but not right: a warning now and an update to come."""
    if found.problems:
        detail = _initialisation_failure(request.id, found.outputs, request.inputs, *found.problems)
        await _abort_with_detail(context, "; ".join(found.problems), detail)


def _initialisation_failure(
    id: str, outputs: Properties, inputs: Any, *reasons: str
) -> provider_pb2.ErrorResourceInitFailed:
    """Build the detail that makes a failure a partial one."""
    return provider_pb2.ErrorResourceInitFailed(
        id=id, properties=encode(outputs), inputs=inputs, reasons=list(reasons), refresh_before_update=True
    )


async def _abort_with_detail(
    context: grpc.aio.ServicerContext, message: str, detail: provider_pb2.ErrorResourceInitFailed
) -> NoReturn:
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=message)
    status.details.add().Pack(detail)
    await context.abort(grpc.StatusCode.UNKNOWN, message, (("grpc-status-details-bin", status.SerializeToString()),))
    raise AssertionError("abort returns never")

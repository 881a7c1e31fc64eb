"""The plugin of a provider that is stood in for: Pulumi's provider protocol over what ``cloud`` keeps."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc
from pulumi.runtime.proto import provider_pb2 as pb

from soop_components.provider.diff import differences
from soop_components.provider.wire import UNKNOWN, decode, encode, reveal, secrets_in
from soop_components.secret import Secret
from tests.native import FOLDER
from tests.native.behaviour import Provider, RefusedError
from tests.native.cloud import Cloud
from tests.native.effects import Effects
from tests.native.sdk import wrong_names


def _token(urn: str) -> str:
    return urn.split("::")[-2].rsplit("$", 1)[-1]


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]


def _sealed(outputs: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Keep secret what was given as a secret."""
    hidden = {key for key, value in given.items() if any(True for _ in secrets_in(value))}
    return {key: Secret(value) if key in hidden else value for key, value in outputs.items()}


class Plugin(provider_pb2_grpc.ResourceProviderServicer):
    """Answers the engine."""

    def __init__(self, provider: Provider, cloud: Cloud, effects: Effects) -> None:
        self._provider = provider
        self._cloud = cloud
        self._effects = effects

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:
        return plugin_pb2.PluginInfo(version=self._provider.version)

    def CheckConfig(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> pb.CheckResponse:
        return pb.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        return pb.DiffResponse(changes=pb.DiffResponse.DIFF_NONE)

    def Configure(self, request: pb.ConfigureRequest, context: grpc.ServicerContext) -> pb.ConfigureResponse:
        try:
            self._provider.configure(decode(request.args))
        except RefusedError as error:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
        return pb.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> empty_pb2.Empty:
        return empty_pb2.Empty()

    def Check(self, request: pb.CheckRequest, context: grpc.ServicerContext) -> pb.CheckResponse:
        wrong = wrong_names(_token(request.urn), reveal(decode(request.news)))
        failures = [pb.CheckFailure(property=path, reason="is not a property that the SDK has") for path in wrong]
        return pb.CheckResponse(inputs=request.news, failures=failures)

    def Diff(self, request: pb.DiffRequest, context: grpc.ServicerContext) -> pb.DiffResponse:
        behaviour = self._provider.behaviours[_token(request.urn)]
        changes = differences(decode(request.old_inputs), decode(request.news))
        changed = {path.split(".", 1)[0].split("[", 1)[0] for path in changes}
        return pb.DiffResponse(
            changes=pb.DiffResponse.DIFF_SOME if changed else pb.DiffResponse.DIFF_NONE,
            diffs=sorted(changed),
            replaces=sorted(changed & behaviour.replaces),
        )

    def Create(self, request: pb.CreateRequest, context: grpc.ServicerContext) -> pb.CreateResponse:
        token, given = _token(request.urn), decode(request.properties)
        behaviour = self._provider.behaviours[token]
        if request.preview:
            return pb.CreateResponse(properties=encode({**dict.fromkeys(behaviour.computed, UNKNOWN), **given}))
        inputs = reveal(given)
        with self._cloud.alone():
            self._cloud.note("create", token, _name(request.urn), inputs)
            try:
                id, outputs = self._provider.created(self._cloud, token, inputs)
            except RefusedError as error:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
            self._cloud.put(id, token, outputs)
        outputs |= self._effects.made(token, id, inputs)
        with self._cloud.alone():
            self._cloud.put(id, token, outputs)
        self._effects.settle(token)
        return pb.CreateResponse(id=id, properties=encode(_sealed(outputs, given)))

    def Read(self, request: pb.ReadRequest, context: grpc.ServicerContext) -> pb.ReadResponse:
        with self._cloud.alone():
            outputs = self._cloud.get(request.id)
        if outputs is None:
            return pb.ReadResponse(id="")
        outputs |= self._effects.found(_token(request.urn), outputs)
        given = decode(request.inputs)
        sealed = _sealed(outputs, given)
        inputs = {key: sealed.get(key, value) for key, value in given.items()}
        return pb.ReadResponse(id=request.id, inputs=encode(inputs), properties=encode(sealed))

    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> pb.UpdateResponse:
        token, given = _token(request.urn), decode(request.news)
        outputs = {**reveal(decode(request.olds)), **reveal(given)}
        if not request.preview:
            with self._cloud.alone():
                self._cloud.note("update", token, _name(request.urn), reveal(given))
                self._cloud.put(request.id, token, outputs)
            self._effects.changed(token, request.id, reveal(given))
            self._effects.settle(token)
        return pb.UpdateResponse(properties=encode(_sealed(outputs, given)))

    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        token = _token(request.urn)
        with self._cloud.alone():
            self._cloud.note("delete", token, _name(request.urn), {})
            try:
                self._provider.refuse_deletion(self._cloud, token, request.id)
            except RefusedError as error:
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        self._effects.gone(token, request.id, reveal(decode(request.properties)))
        with self._cloud.alone():
            self._cloud.remove(request.id)
        self._effects.settle(token)
        return empty_pb2.Empty()


def run(provider: Provider, effects: Callable[[Cloud, Path], Effects] = lambda *_: Effects()) -> None:
    """Serve until the engine ends this process."""
    folder = Path(os.environ[FOLDER])
    cloud = Cloud(folder)
    server = grpc.server(ThreadPoolExecutor(8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Plugin(provider, cloud, effects(cloud, folder)), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    sys.exit(server.wait_for_termination())

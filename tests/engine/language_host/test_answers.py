"""What the language host answers, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent import futures
from importlib import metadata
from typing import Any

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2

from tests.engine.language_host.host import Host

MEBIBYTE = 1024 * 1024


@pytest.fixture
def real(host: Host) -> Host:
    """A host whose program has the Python that runs this."""
    (host.folder / "venv").symlink_to(sys.prefix)
    return host


class Engine(engine_pb2_grpc.EngineServicer):
    """As much of an engine as gets reports."""

    def __init__(self) -> None:
        self.reports: list[tuple[int, str]] = []

    def Log(self, request: engine_pb2.LogRequest, context: grpc.ServicerContext) -> empty_pb2.Empty:
        self.reports.append((request.severity, request.message))
        return empty_pb2.Empty()


def test_a_mistake_is_reported_to_the_engine_of_the_handshake(host: Host) -> None:
    engine, server = Engine(), grpc.server(futures.ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        host.calls.Handshake(language_pb2.LanguageHandshakeRequest(engine_address=address))
        assert host.calls.Run(language_pb2.RunRequest(info=host.info(virtualenv="elsewhere"))).bail
        assert host.run(attach_debugger=True).result().bail
    finally:
        server.stop(None)
    assert engine.reports == [
        (engine_pb2.ERROR, "Pulumi.yaml: runtime.options.virtualenv: elsewhere holds no Python; run `make setup`"),
        (engine_pb2.ERROR, "this language host attaches no debugger; Pulumi's official installation does"),
    ]


def test_it_names_the_version_of_the_sdk(host: Host) -> None:
    assert host.calls.GetPluginInfo(empty_pb2.Empty()).version == metadata.version("pulumi")


def test_nothing_is_required_ahead(host: Host) -> None:
    packages = host.calls.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest())
    plugins = host.calls.GetRequiredPlugins(language_pb2.GetRequiredPluginsRequest())
    assert packages == language_pb2.GetRequiredPackagesResponse()
    assert plugins == language_pb2.GetRequiredPluginsResponse()


def test_messages_may_be_larger_than_others_allow(host: Host) -> None:
    info = host.info(virtualenv="x" * 64 * MEBIBYTE)
    host.calls.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest(info=info))


def test_about_names_the_python(real: Host) -> None:
    about = real.calls.About(language_pb2.AboutRequest(info=real.info()))
    assert about.executable == str(real.folder / "venv" / "bin" / "python")
    assert about.version == ".".join(map(str, sys.version_info[:3]))


def test_packages_that_others_ask_for_are_listed_only_when_wanted(real: Host) -> None:
    def listed(transitive: bool) -> dict[str, str]:
        request = language_pb2.GetProgramDependenciesRequest(info=real.info(), transitiveDependencies=transitive)
        return {each.name: each.version for each in real.calls.GetProgramDependencies(request).dependencies}

    every, direct = listed(True), listed(False)
    assert every["grpcio"] == metadata.version("grpcio")
    assert "pytest-timeout" in direct
    assert "grpcio" not in direct
    assert direct.items() <= every.items()


def refused(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code(), error.value.details()


def test_a_mistake_is_why_a_question_is_not_answered(host: Host) -> None:
    info = host.info(virtualenv="elsewhere")
    expected = "Pulumi.yaml: runtime.options.virtualenv: elsewhere holds no Python; run `make setup`"
    for call in (
        lambda: host.calls.About(language_pb2.AboutRequest(info=info)),
        lambda: host.calls.GetProgramDependencies(language_pb2.GetProgramDependenciesRequest(info=info)),
        lambda: list(host.calls.RunPlugin(language_pb2.RunPluginRequest(info=info))),
    ):
        assert refused(call) == (grpc.StatusCode.FAILED_PRECONDITION, expected)


def test_a_python_that_does_not_run_is_named(host: Host) -> None:
    host.python("raise SystemExit('out of order')")
    about = refused(lambda: host.calls.About(language_pb2.AboutRequest(info=host.info())))
    expected = f"{host.folder / 'venv' / 'bin' / 'python'} does not run: out of order"
    assert about == (grpc.StatusCode.INTERNAL, expected)


def test_packages_are_not_installed(host: Host) -> None:
    install = refused(lambda: list(host.calls.InstallDependencies(language_pb2.InstallDependenciesRequest())))
    assert install == (grpc.StatusCode.FAILED_PRECONDITION, "packages are installed by `make setup`")

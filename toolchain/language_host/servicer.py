"""Answers the engine's questions about Python programs and runs them."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import grpc
from google.protobuf import empty_pb2, json_format
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, language_pb2, language_pb2_grpc, plugin_pb2

from language_host import streams
from language_host.children import Children
from language_host.command import Command, HostSettings, program_command
from language_host.interpreter import Interpreter, Mistake, find_interpreter

ALREADY_TOLD = 32
"""Exit code of Pulumi's executor when the user has seen what was wrong."""


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """Serves one engine."""

    def __init__(self, settings: HostSettings, children: Children) -> None:
        self._settings = settings
        self._children = children
        self._engine_address = settings.engine_address

    def Handshake(self, request: language_pb2.LanguageHandshakeRequest, context: grpc.ServicerContext) -> Any:
        """Keep the address at which the engine can be told things."""
        self._engine_address = request.engine_address or self._engine_address
        return language_pb2.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        """Return the version of the SDK whose protocol is spoken here."""
        return plugin_pb2.PluginInfo(version=_sdk_version())

    def GetRequiredPackages(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Require nothing ahead: the engine finds a plugin when a program first uses it, and none beyond."""
        return language_pb2.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: grpc.ServicerContext) -> Any:
        """Require nothing ahead, for engines that do not know packages."""
        return language_pb2.GetRequiredPluginsResponse()

    def Run(self, request: language_pb2.RunRequest, context: grpc.ServicerContext) -> Any:
        """Run the program to its end; what it prints goes to the engine through our own output."""
        try:
            if request.attach_debugger:
                raise Mistake("this language host attaches no debugger; Pulumi's official installation does")
            interpreter = _interpreter(request.info)
        except Mistake as mistake:
            self._tell(str(mistake))
            return language_pb2.RunResponse(bail=True)
        settings = HostSettings(self._settings.executor, self._engine_address, self._settings.tracing)
        process = self._children.start(program_command(request, settings, interpreter, os.environ))
        context.add_callback(lambda: self._children.stop([process]))
        return _verdict(self._children.wait(process))

    def RunPlugin(self, request: language_pb2.RunPluginRequest, context: grpc.ServicerContext) -> Iterator[Any]:
        """Run a plugin that is written in Python and pass on what it prints."""
        try:
            interpreter = _interpreter(request.info)
        except Mistake as mistake:
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(mistake))
        environment = interpreter.environment(dict(entry.split("=", 1) for entry in request.env) or os.environ)
        command = Command((str(interpreter.python), "-u", request.info.program_directory, *request.args), environment)
        process = self._children.start(command, Path(request.pwd), subprocess.PIPE)
        context.add_callback(lambda: self._children.stop([process]))
        for stream, piece in streams.read(process):
            if stream == "stdout":
                yield language_pb2.RunPluginResponse(stdout=piece)
            else:
                yield language_pb2.RunPluginResponse(stderr=piece)
        yield language_pb2.RunPluginResponse(exitcode=self._children.wait(process) or 0)

    def About(self, request: language_pb2.AboutRequest, context: grpc.ServicerContext) -> Any:
        """Name the Python that runs programs."""
        about = _describe(request.info, context)
        return language_pb2.AboutResponse(executable=about["executable"], version=about["version"])

    def GetProgramDependencies(
        self, request: language_pb2.GetProgramDependenciesRequest, context: grpc.ServicerContext
    ) -> Any:
        """List the packages of the program's Python; without the transitive ones unless asked for."""
        packages = _describe(request.info, context)["packages"]
        wanted = [package for package in packages if request.transitiveDependencies or not package["asked_for"]]
        return language_pb2.GetProgramDependenciesResponse(
            dependencies=[language_pb2.DependencyInfo(name=each["name"], version=each["version"]) for each in wanted]
        )

    def InstallDependencies(self, request: Any, context: grpc.ServicerContext) -> NoReturn:
        """Leave it to ``make setup``, which obeys the pinned hashes."""
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "packages are installed by `make setup`")
        raise AssertionError  # abort raises

    def Cancel(self, request: empty_pb2.Empty, context: grpc.ServicerContext) -> Any:
        """End what is running; the engine waits for the resources in flight by itself."""
        threading.Thread(target=self._children.stop, daemon=True).start()
        return empty_pb2.Empty()

    def _tell(self, message: str) -> None:
        with grpc.insecure_channel(self._engine_address) as channel:
            log = engine_pb2.LogRequest(severity=engine_pb2.ERROR, message=message)
            engine_pb2_grpc.EngineStub(channel).Log(log, timeout=5)


def _interpreter(info: language_pb2.ProgramInfo) -> Interpreter:
    return find_interpreter(Path(info.root_directory), json_format.MessageToDict(info.options), os.environ)


def _verdict(code: int | None) -> language_pb2.RunResponse:
    """Say how a program ended; None is a program that we ended."""
    if code is None or code == ALREADY_TOLD:
        return language_pb2.RunResponse(bail=True)
    if code < 0:
        return language_pb2.RunResponse(error=f"the program was ended by signal {-code}")
    return language_pb2.RunResponse(error=f"the program exited with code {code}" if code else "")


def _describe(info: language_pb2.ProgramInfo, context: grpc.ServicerContext) -> dict[str, Any]:
    try:
        python = _interpreter(info).python
    except Mistake as mistake:
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(mistake))
    script = Path(__file__).with_name("describe.py")
    ask = [str(python), "-I", str(script)]
    answer = subprocess.run(ask, stdin=subprocess.DEVNULL, capture_output=True, check=False, text=True)
    if answer.returncode:
        context.abort(grpc.StatusCode.INTERNAL, f"{python} does not run: {answer.stderr.strip()}")
    return dict(json.loads(answer.stdout))


@cache
def _sdk_version() -> str:
    from importlib import metadata

    return metadata.version("pulumi")

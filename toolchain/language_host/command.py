"""The command that runs a program: Pulumi's executor with what the engine asked for. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from language_host.interpreter import Interpreter

if TYPE_CHECKING:
    from pulumi.runtime.proto.language_pb2 import RunRequest

EXECUTOR = "pulumi-language-python-exec"


@dataclass(frozen=True)
class Command:
    """An argument vector and its environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class HostSettings:
    """What the language host was started with."""

    executor: Path
    engine_address: str
    tracing: str = ""


def program_command(
    request: RunRequest, settings: HostSettings, interpreter: Interpreter, base: Mapping[str, str]
) -> Command:
    """Return what carries out ``request`` in the environment ``base``."""
    options = {
        "monitor": request.monitor_address,
        "engine": settings.engine_address,
        "project": request.project,
        "root_directory": request.info.root_directory,
        "stack": request.stack,
        "pwd": request.pwd,
        "dry_run": "true" if request.dryRun else "false",
        "parallel": str(request.parallel),
        "tracing": settings.tracing,
        "organization": request.organization,
    }
    given = [word for name, value in options.items() if value for word in (f"--{name}", value)]
    environment = interpreter.environment(base)
    environment["PULUMI_CONFIG"] = json.dumps(dict(request.config))
    environment["PULUMI_CONFIG_SECRET_KEYS"] = json.dumps(list(request.configSecretKeys))
    entry = request.info.entry_point or "."
    return Command((str(interpreter.python), "-u", str(settings.executor), *given, entry, *request.args), environment)

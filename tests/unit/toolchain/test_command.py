"""What Pulumi's executor is given."""

from __future__ import annotations

import json
from pathlib import Path

from language_host.command import HostSettings, program_command
from language_host.interpreter import Interpreter
from pulumi.runtime.proto import language_pb2

SETTINGS = HostSettings(Path("/host/exec"), "127.0.0.1:1")
PYTHON = Interpreter(Path("/python"), None)


def test_everything_the_engine_asks_for_is_passed_on() -> None:
    request = language_pb2.RunRequest(
        project="hello",
        stack="dev",
        pwd="/program",
        monitor_address="127.0.0.1:2",
        dryRun=True,
        parallel=8,
        organization="us",
        args=["more"],
        info=language_pb2.ProgramInfo(root_directory="/root", program_directory="/program", entry_point="."),
    )
    words = program_command(request, SETTINGS, PYTHON, {}).arguments
    assert words[:3] == ("/python", "-u", "/host/exec")
    assert words[-2:] == (".", "more")
    options = dict(zip(words[3:-2:2], words[4:-2:2], strict=True))
    assert options == {
        "--monitor": "127.0.0.1:2",
        "--engine": "127.0.0.1:1",
        "--project": "hello",
        "--root_directory": "/root",
        "--stack": "dev",
        "--pwd": "/program",
        "--dry_run": "true",
        "--parallel": "8",
        "--organization": "us",
    }


def test_configuration_goes_through_the_environment_and_never_the_command_line() -> None:
    request = language_pb2.RunRequest(config={"hello:password": "marker"}, configSecretKeys=["hello:password"])
    command = program_command(request, SETTINGS, PYTHON, {"HOME": "/home"})
    assert "marker" not in " ".join(command.arguments)
    assert json.loads(command.environment["PULUMI_CONFIG"]) == {"hello:password": "marker"}
    assert json.loads(command.environment["PULUMI_CONFIG_SECRET_KEYS"]) == ["hello:password"]
    assert command.environment["HOME"] == "/home"


def test_an_update_is_no_dry_run() -> None:
    words = program_command(language_pb2.RunRequest(), SETTINGS, PYTHON, {}).arguments
    assert words[words.index("--dry_run") + 1] == "false"
    assert words[-1] == "."

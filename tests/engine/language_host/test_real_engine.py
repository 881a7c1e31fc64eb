"""Our language host under Pulumi's real engine: programs that work, programs that do not, and leaving."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from bootstrap.language_host import EXECUTOR

from tests.engine.language_host.host import is_running

GREETING = """
import pulumi

config = pulumi.Config()
pulumi.export("said", config.require("word"))
pulumi.export("kept", config.require_secret("password"))
"""
WAITING = """
import os, pathlib, time

pathlib.Path("waiting").write_text(str(os.getpid()))
time.sleep(600)
"""


class Program:
    """A Pulumi program in a folder of its own, with a state of its own and our language host before any other."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PULUMI_")},
            "PATH": os.pathsep.join([str(programs), os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{folder}",
            "PULUMI_CONFIG_PASSPHRASE": "a test's",
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_STACK": "dev",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        }

    def describe(self, options: Mapping[str, object] | None = None, more: Mapping[str, object] | None = None) -> None:
        """Write Pulumi.yaml; JSON is YAML too."""
        runtime = {"name": "python", "options": {"virtualenv": "venv"} if options is None else options}
        (self.folder / "Pulumi.yaml").write_text(json.dumps({"name": "hello", "runtime": runtime, **(more or {})}))

    def write(self, text: str) -> None:
        (self.folder / "__main__.py").write_text(text)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", "--non-interactive", "--color=never", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def pulumi(self, *arguments: str, succeeds: bool = True) -> str:
        process = self.start(*arguments)
        output, _ = process.communicate()
        assert (process.returncode == 0) is succeeds, output
        return output


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory, language_host: Path) -> Path:
    """A program and its configured stack, of which each test gets a copy."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "venv").symlink_to(sys.prefix)
    made = Program(folder, language_host.parent)
    made.describe()
    made.write(GREETING)
    made.pulumi("stack", "init", "dev")
    made.pulumi("config", "set", "word", "good morning")
    made.pulumi("config", "set", "--secret", "password", "marker-2718")
    return folder


@pytest.fixture
def program(written: Path, tmp_path: Path, language_host: Path) -> Program:
    return Program(shutil.copytree(written, tmp_path / "program", symlinks=True), language_host.parent)


@pytest.fixture
def waiting(program: Program) -> Iterator[tuple[subprocess.Popen[str], set[int]]]:
    """An engine in the middle of a program, and the processes that the engine has started."""
    program.write(WAITING)
    engine = program.start("preview")
    mark = program.folder / "waiting"
    while not (mark.is_file() and mark.read_text()):
        assert engine.poll() is None, engine.communicate()[0]
        time.sleep(0.05)
    started = {int(mark.read_text())}
    started.add(parent_of(next(iter(started))))
    yield engine, started
    engine.kill()
    engine.wait()


def parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def wait_until_gone(processes: set[int]) -> None:
    """Return when none of ``processes`` runs; pytest's own timeout is the only clock."""
    while any(is_running(process) for process in processes):
        time.sleep(0.05)


def errors(output: str) -> list[str]:
    """Return the errors among the diagnostics."""
    lines = output.partition("Diagnostics:")[2].splitlines()
    return [line.strip().removeprefix("error: ") for line in lines if line.strip().startswith("error:")]


def test_a_program_gets_its_configuration_and_its_secrets_stay_secret(program: Program) -> None:
    output = program.pulumi("up", "--yes")
    assert "marker-2718" not in output
    assert json.loads(program.pulumi("stack", "output", "--json")) == {"said": "good morning", "kept": "[secret]"}
    shown = json.loads(program.pulumi("stack", "output", "--json", "--show-secrets"))
    assert shown == {"said": "good morning", "kept": "marker-2718"}
    state = program.folder / ".pulumi" / "stacks" / "hello" / "dev.json"
    assert "marker-2718" not in state.read_text()
    program.pulumi("preview", "--expect-no-changes")


def test_the_program_runs_in_its_virtual_environment_and_its_folder(program: Program) -> None:
    program.write("import os, sys, pulumi\npulumi.export('seen', [sys.prefix, os.environ['VIRTUAL_ENV'], os.getcwd()])")
    program.pulumi("up", "--yes")
    venv = str(program.folder / "venv")
    assert json.loads(program.pulumi("stack", "output", "seen", "--json")) == [venv, venv, str(program.folder)]


def test_what_the_program_prints_is_shown(program: Program) -> None:
    program.write("print('said in passing')")
    assert "said in passing" in program.pulumi("preview")


def test_an_exception_is_one_error_that_starts_in_the_program(program: Program) -> None:
    program.write("raise ValueError('a mistake of mine')")
    output = program.pulumi("preview", succeeds=False)
    assert errors(output) == ["Program failed with an unhandled exception:"]
    assert "ValueError: a mistake of mine" in output
    assert EXECUTOR not in output


def test_a_syntax_error_is_one_error_with_file_and_line(program: Program) -> None:
    program.write("good = 1\nbad = (\n")
    output = program.pulumi("preview", succeeds=False)
    assert len(errors(output)) == 1
    assert f'File "{program.folder / "__main__.py"}", line 2' in output
    assert "SyntaxError" in output


def test_an_error_that_the_program_has_reported_is_not_reported_again(program: Program) -> None:
    program.write("import sys, pulumi\npulumi.log.error('reported already')\nsys.exit(32)")
    assert errors(program.pulumi("preview", succeeds=False)) == ["reported already"]


def test_another_exit_code_is_named(program: Program) -> None:
    program.write("import sys\nsys.exit(3)")
    (error,) = errors(program.pulumi("preview", succeeds=False))
    assert error.endswith("the program exited with code 3")


def test_a_missing_program_is_one_error(program: Program) -> None:
    (program.folder / "__main__.py").unlink()
    (error,) = errors(program.pulumi("preview", succeeds=False))
    assert "unable to find main python program" in error


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"virtualenv": "elsewhere"}, "runtime.options.virtualenv: elsewhere holds no Python; run `make setup`"),
        ({"toolchain": "poetry"}, "runtime.options.toolchain: expected pip, not poetry"),
        ({"typechecker": "mypy"}, "runtime.options.typechecker: this language host knows only virtualenv"),
    ],
)
def test_a_wrong_option_is_one_error(program: Program, options: dict[str, object], expected: str) -> None:
    program.describe(options)
    assert errors(program.pulumi("preview", succeeds=False)) == [f"Pulumi.yaml: {expected}"]


def test_about_names_the_python_and_the_packages(program: Program) -> None:
    output = program.pulumi("about", "--json", "--transitive")
    about = json.loads(output)
    assert about["runtime"]["executable"] == str(program.folder / "venv" / "bin" / "python")
    assert "pulumi" in {package["name"] for package in about["dependencies"]}


def test_a_plugin_written_in_python_runs(program: Program) -> None:
    plugin = program.folder / "greeter"
    plugin.mkdir()
    (plugin / "PulumiPlugin.yaml").write_text("{runtime: {name: python, options: {virtualenv: ../venv}}}")
    (plugin / "__main__.py").write_text(
        "from typing import TypedDict\n"
        "import pulumi\n"
        "from pulumi.provider.experimental import component_provider_host\n"
        "class GreetingArgs(TypedDict):\n"
        "    whom: pulumi.Input[str]\n"
        "class Greeting(pulumi.ComponentResource):\n"
        "    words: pulumi.Output[str]\n"
        "    def __init__(self, name: str, args: GreetingArgs, opts: pulumi.ResourceOptions):\n"
        "        super().__init__('greeter:index:Greeting', name, {}, opts)\n"
        "        self.words = pulumi.Output.concat('hello ', args['whom'])\n"
        "        self.register_outputs({'words': self.words})\n"
        "component_provider_host(name='greeter', components=[Greeting])\n"
    )
    program.describe(more={"plugins": {"providers": [{"name": "greeter", "path": "./greeter"}]}})
    program.write(
        "import pulumi\n"
        "class Greeting(pulumi.ComponentResource):\n"
        "    words: pulumi.Output[str]\n"
        "greeting = Greeting('greeter:index:Greeting', 'one', {'whom': 'you', 'words': None}, remote=True)\n"
        "pulumi.export('words', greeting.words)\n"
    )
    program.pulumi("up", "--yes")
    assert json.loads(program.pulumi("stack", "output", "words", "--json")) == "hello you"


def test_an_interrupt_ends_the_run_quietly(waiting: tuple[subprocess.Popen[str], set[int]]) -> None:
    engine, started = waiting
    engine.send_signal(signal.SIGINT)
    output, _ = engine.communicate()
    assert engine.returncode != 0
    assert errors(output) == ["preview canceled"]
    assert "Traceback" not in output
    wait_until_gone(started)


def test_nothing_is_left_when_the_engine_is_killed(waiting: tuple[subprocess.Popen[str], set[int]]) -> None:
    engine, started = waiting
    engine.kill()
    wait_until_gone(started)

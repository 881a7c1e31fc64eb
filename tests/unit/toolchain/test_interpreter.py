"""Which Python runs a program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from language_host.interpreter import Interpreter, Mistake, find_interpreter


def make_python(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.touch(mode=0o755)
    return path


def test_the_virtual_environment_is_relative_to_the_project(tmp_path: Path) -> None:
    python = make_python(tmp_path / "venv" / "bin" / "python")
    found = find_interpreter(tmp_path, {"virtualenv": "venv"}, {})
    assert found == Interpreter(python, tmp_path / "venv")


def test_a_virtual_environment_is_activated(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    environment = Interpreter(venv / "bin" / "python", venv).environment({"PATH": "/bin", "PYTHONHOME": "/x", "A": "b"})
    assert environment == {"PATH": f"{venv}/bin:/bin", "VIRTUAL_ENV": str(venv), "A": "b"}


def test_without_one_it_is_the_python_on_path(tmp_path: Path) -> None:
    python = make_python(tmp_path / "bin" / "python3")
    path = os.pathsep.join([str(python.parent), "/nowhere"])
    assert find_interpreter(tmp_path, {}, {"PATH": path}) == Interpreter(python, None)


def test_the_python_command_may_be_named(tmp_path: Path) -> None:
    python = make_python(tmp_path / "bin" / "python9")
    environment = {"PATH": str(python.parent), "PULUMI_PYTHON_CMD": "python9"}
    assert find_interpreter(tmp_path, {}, environment).python == python


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"virtualenv": "venv"}, "runtime.options.virtualenv: venv holds no Python"),
        ({"virtualenv": 3.0}, "runtime.options.virtualenv: expected a text, not 3.0"),
        ({"toolchain": "uv"}, "runtime.options.toolchain: expected pip, not uv"),
        ({"typechecker": "mypy"}, "runtime.options.typechecker: this language host knows only virtualenv"),
        ({}, "there is no python3 on PATH"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(Mistake, match=message):
        find_interpreter(tmp_path, options, {"PATH": str(tmp_path)})

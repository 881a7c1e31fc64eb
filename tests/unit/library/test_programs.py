"""The programs of blocks, as far as they can be tried without a node."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from soop_components.library import LIBRARY
from soop_components.runner.marks import put_secrets
from tests.unit.library.examples import planned


@pytest.mark.parametrize("path", sorted(LIBRARY.glob("*/*.sh")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_shell_programs_parse(path: Path) -> None:
    subprocess.run(["bash", "-n", path], check=True)


SECRET = "p'w \"d$HOME`id`\\%\n!*"


def test_script_gets_environment_arguments_and_input_unharmed(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\nprintf \'%s|%s|\' "$PASSWORD" "$WORDS"\ncat\nprintf \'|%s\' "$@"\nexit 7\n')
    program.chmod(0o755)
    with_ = {
        "program": "scripts/load_articles.py",
        "arguments": ["a b", "$HOME", 5],
        "stdin": "in {{ config.key }} 'put'",
        "environment": {"PASSWORD": "x{{ config.key }}", "WORDS": "two words"},
    }
    (script,) = planned("script", with_).scripts
    lines = put_secrets(script.stdin or "", {"key": SECRET}).replace(
        "/usr/local/lib/test-service/example", str(program)
    )
    done = subprocess.run([LIBRARY / "script/run.sh"], input=lines, capture_output=True, text=True)
    assert done.stdout == f"x{SECRET}|two words|in {SECRET} 'put'|a b|$HOME|5"
    assert (done.returncode, done.stderr) == (7, "")


def test_programs_of_the_example_start_as_programs() -> None:
    program = LIBRARY.parents[1] / "service_defs/access-service/smoke/grant_and_check.py"
    assert os.access(program, os.X_OK)
    assert program.read_text().startswith("#!/usr/bin/python3\n")

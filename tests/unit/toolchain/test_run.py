"""The first step of all: finding a Python."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

RUN = Path(__file__).parents[3] / "toolchain" / "run"


def test_without_a_python_it_says_so_in_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHON": str(tmp_path / "python3")}
    answer = subprocess.run([RUN, "env"], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stderr.startswith("soop needs Python 3.11 or newer: install it")


def test_a_python_that_is_too_old_does_not_count(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    environment = {**os.environ, "PYTHON": str(old)}
    answer = subprocess.run([RUN, "env"], env=environment, capture_output=True, text=True, check=False)
    assert answer.returncode == 1

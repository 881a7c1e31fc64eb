"""Processes that hold a folder are found, in whatever way they hold it, and named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from soop_components.machines.local.root_helper import process

HOLD = {
    "works in it": "import os; os.chdir(folder)",
    "has a file open": "file = open(folder + '/file')",
    "has a file mapped": "import mmap, os; f = os.open(folder + '/file', 0); m = mmap.mmap(f, 4, prot=1); os.close(f)",
}


@pytest.mark.parametrize("how", HOLD)
def test_who_uses_a_folder(tmp_path: Path, how: str) -> None:
    folder, beside = tmp_path / "mount", tmp_path / "mount-2"
    for each in (folder, beside):
        each.mkdir()
        (each / "file").write_text("text")
    program = f"import sys; folder = sys.argv[1]; {HOLD[how]}; print('ready', flush=True); sys.stdin.read()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program, folder], stdin=pipe, stdout=pipe, text=True, cwd="/") as user:
        assert user.stdout is not None
        assert user.stdout.readline() == "ready\n"
        assert process.users_of(folder) == {user.pid}
        assert process.users_of(beside) == set()
        [named] = process.named([user.pid])
        assert named.startswith("python")
        assert named.endswith(f" ({user.pid})")


def test_a_process_that_has_ended_has_no_name() -> None:
    assert process.named([2**22 + 1]) == []

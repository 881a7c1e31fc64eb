"""A Python package of a block becomes one program."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
from pathlib import Path

from soop_components.artifact.definition import PackedFile
from soop_components.artifact.layout import HashingFile
from soop_components.build.program_folder import program_of
from soop_components.build.source_files import SourceFile
from soop_components.build.tar_writer import pack


def test_it_runs_as_the_package_does_and_its_bytes_follow_from_its_modules(tmp_path: Path) -> None:
    folder = tmp_path / "greet"
    (folder / "words").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "words" / "__init__.py").write_text("GREETING = 'hello'\n")
    (folder / "__main__.py").write_text(
        "import sys\nfrom .words import GREETING\nsys.exit(' '.join([GREETING, *sys.argv[1:]]))"
    )
    made = program_of(folder)

    program = tmp_path / "program"
    program.write_bytes(made)
    program.chmod(0o755)
    done = subprocess.run([program, "world"], cwd="/", capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "hello world\n")

    os.utime(folder / "__main__.py", (0, 0))
    (folder / "notes.txt").touch()
    packed = pack({"go": SourceFile.of(folder)}, HashingFile(io.BytesIO()))["go"]
    assert packed == PackedFile(digest=f"sha256:{hashlib.sha256(made).hexdigest()}", size=len(made), mode="0755")

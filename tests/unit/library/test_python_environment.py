"""The virtual environments of an application, as the script of the block keeps them on a node."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from soop_components.library import LIBRARY

SCRIPT = LIBRARY / "python_application/environment.sh"


def test_the_one_before_stays_for_a_program_that_runs_in_it_also_when_the_script_runs_again(tmp_path: Path) -> None:
    environments, link = tmp_path / "environments", tmp_path / "environment"
    (tmp_path / "wheels").mkdir()
    for name in ("older", "before"):
        (environments / name).mkdir(parents=True)
    link.symlink_to("environments/before")
    for _ in range(2):
        subprocess.run(["bash", SCRIPT, tmp_path], check=True)
        made = os.readlink(link).removeprefix("environments/")
        assert {path.name for path in environments.iterdir()} == {"before", made}
    assert (environments / made / "bin/python").exists()

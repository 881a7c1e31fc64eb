"""The base of a branch, out of git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from soop_components.branch.git_base import GitBase
from soop_components.project import Project

WHO = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
ENVIRONMENT = "stacks/environments/test.yaml"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *WHO, *words], cwd=folder, check=True, capture_output=True)


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)


def test_the_base_has_its_own_definitions_and_all_else_that_the_project_has(tmp_path: Path) -> None:
    for name, text in {"Pulumi.yaml": "name: ours\n", ENVIRONMENT: "before", "images/disk.qcow2": "image"}.items():
        write(tmp_path, name, text)
    write(tmp_path, ".gitignore", "images\n.soop\n")
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message=begun")
    write(tmp_path, ENVIRONMENT, "after")
    write(tmp_path, "stacks/Pulumi.test-new.yaml", "new")
    write(tmp_path, ".soop/passphrase", "ours")
    project = Project(tmp_path)
    base = GitBase.find(project, "main")
    assert base.changed() == ("stacks/Pulumi.test-new.yaml", ENVIRONMENT)
    with base.checked_out() as before:
        assert (before.root / ENVIRONMENT).read_text() == "before"
        assert (before.root / "images/disk.qcow2").read_text() == "image"
        assert before.domain_ids() == ()
        assert [path.name for path in before.home.iterdir()] == ["store"]
    assert (tmp_path / "images/disk.qcow2").read_text() == "image", "what is put there is no copy, and is not removed"

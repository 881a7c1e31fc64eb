"""``soop init --ci shell`` with a bare repository: what is pushed is previewed, in one file per branch."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.stand_in.project import StandInProject

DOMAIN = "dev-two"
DEFINITION = f"stacks/Pulumi.{DOMAIN}.yaml"
TEXT = "config:\n  soop:environment: dev\n  soop:services:\n    - service: access-service-3.2.3\n"
SERVICE = "service_defs/access-service/service.yaml"


class Team:
    """A clone of a bare repository, whose hook is what ``soop init`` has written."""

    def __init__(self, project: StandInProject, bare: Path) -> None:
        self.project = project
        self.bare = bare
        project.write(".gitignore", ".soop/\ngate*\n")
        project.write(DEFINITION, TEXT)
        project.succeed("init", "--ci", "shell")
        self.git("init", "-q", "--initial-branch=main")
        self.commit()
        subprocess.run(["git", "clone", "-q", "--bare", project.root, bare], env=project.environment, check=True)
        for name in ("post-receive", "plan"):
            shutil.copy(project.root / ".ci" / name, bare / "hooks")
        self.git("remote", "add", "origin", str(bare))

    def git(self, *words: str) -> str:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        environment = {**self.project.environment, "TMPDIR": str(self.bare.parent)}
        argv = ["git", *who, *words]
        done = subprocess.run(argv, cwd=self.project.root, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")

    def push(self) -> str:
        return self.git("push", "origin", "HEAD")

    @property
    def plans(self) -> dict[str, str]:
        folder = self.bare / "plans"
        return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def team(project: StandInProject, tmp_path: Path) -> Iterator[Team]:
    (tmp_path / "server").mkdir()
    team = Team(project, tmp_path / "server/ours.git")
    yield team
    assert os.listdir(tmp_path / "server") == ["ours.git"]  # nothing is left of clones


def test_a_push_is_previewed_and_the_next_one_updates_the_same_file(team: Team) -> None:
    project = team.project
    project.environment["SOOP_STORE"] = str(project.root / ".soop/store")
    team.git("checkout", "-q", "-b", "ann/topic")
    project.write(DEFINITION, TEXT.replace("3.2.3", "3.2.4"))
    team.commit()
    said = team.push()
    assert f"remote: ### {DOMAIN}: what an update would do" in said
    assert list(team.plans) == ["ann/topic.md"]
    first = team.plans["ann/topic.md"]
    assert first.startswith(
        "<!-- soop plan: stand-in -->\n## This branch touches 1 domain, compared with origin/main\n"
    )
    assert f"### {DOMAIN}: what an update would do\n" in first
    assert "* access-service 3.2.3 -\\> 3.2.4, upgrade" in first

    project.write(DEFINITION, TEXT.replace("3.2.3", "7.7.7"))
    team.commit()
    assert "ann/topic: not all could be planned" in team.push()
    (second,) = team.plans.values()
    assert f"### {DOMAIN}: cannot be planned" in second
    assert "access-service-7.7.7 is not in" in second
    assert "3.2.4, upgrade" not in second

    team.git("push", "-q", "origin", "--delete", "ann/topic")
    assert team.plans == {}
    team.git("push", "-q", "origin", "main")
    assert team.plans == {}


def test_without_soop_on_its_path_the_hook_runs_none_that_a_branch_brings(team: Team, tmp_path: Path) -> None:
    project, ran = team.project, tmp_path / "ran"
    folders = project.environment["PATH"].split(os.pathsep)
    project.environment["PATH"] = os.pathsep.join(each for each in folders if not Path(each, "soop").exists())
    team.git("checkout", "-q", "-b", "topic")
    project.write(DEFINITION, TEXT.replace("3.2.3", "3.2.4"))
    project.write(".venv/bin/soop", f"#!/bin/sh\ntouch '{ran}'\n")
    (project.root / ".venv/bin/soop").chmod(0o755)
    team.git("add", "--force", ".venv")
    team.commit()
    assert "topic: not planned: this hook needs soop on PATH" in team.push()
    assert (team.plans, ran.exists()) == ({}, False)


def test_without_a_store_both_sides_are_built_for_the_preview_alone(team: Team) -> None:
    project = team.project
    team.git("checkout", "-q", "-b", "topic")
    project.write(SERVICE, project.read(SERVICE).replace("3.2.3", "3.3.0"))
    project.write(DEFINITION, TEXT.replace("3.2.3", "3.3.0"))
    team.commit()
    assert f"remote: ### {DOMAIN}: what an update would do" in team.push()
    assert "* access-service 3.2.3 -\\> 3.3.0, upgrade" in team.plans["topic.md"]
    assert "access-service-3.3.0" not in project.succeed("list")

"""``soop plan --base`` in a repository of git, with the real engine and program."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.engine.stand_in.project import StandInProject

ONE, TWO = "dev-one", "dev-two"
SECRET = "v3ry-s3cret-w0rd"


class Repository:
    """The project, in git, on a branch beside main."""

    def __init__(self, project: StandInProject) -> None:
        self.project = project
        project.write(".gitignore", ".soop/\ngate*\n")
        for id in (ONE, TWO):
            project.write(self.file(id), self.definition())
        self.git("init", "-q", "--initial-branch=main")
        self.commit()
        self.git("checkout", "-q", "-b", "topic")

    @staticmethod
    def file(id: str) -> str:
        return f"stacks/Pulumi.{id}.yaml"

    @staticmethod
    def definition(version: str = "3.2.3", more: str = "") -> str:
        return f"config:\n  soop:environment: dev\n  soop:services:\n    - service: access-service-{version}\n{more}"

    def git(self, *words: str) -> None:
        who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"]
        where, environment = self.project.root, self.project.environment
        subprocess.run(["git", *who, *words], cwd=where, env=environment, check=True, capture_output=True)

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")

    def plans(self, *words: str) -> Any:
        return json.loads(self.project.soop("plan", "--base", "main", "--json", *words).stdout)


@pytest.fixture
def repository(project: StandInProject) -> Repository:
    return Repository(project)


def test_compares_with_what_is_deployed_or_else_with_the_definition_of_the_base(repository: Repository) -> None:
    project = repository.project
    assert repository.plans() == []
    project.write(repository.file(ONE), repository.definition(more="      nodes: {store: 2}\n"))
    project.succeed("deploy", "access-service-3.2.3", ONE)
    repository.git("checkout", "-q", "--", "stacks")
    project.write(repository.file(ONE), repository.definition("3.2.4"))
    project.write(repository.file(TWO), repository.definition("3.2.4"))
    project.write(repository.file("dev-new"), repository.definition("3.2.3"))
    project.write("README.md", "not of concern")
    new, one, two = repository.plans()
    assert [each["domain"] for each in (new, one, two)] == ["dev-new", ONE, TWO]
    assert [each["compared"] for each in (new, one, two)] == ["definitions", "state", "definitions"]
    assert [each["preview"]["services"][0]["action"] for each in (new, one, two)] == ["create", "upgrade", "upgrade"]
    assert one["preview"]["services"][0]["before"] == two["preview"]["services"][0]["before"]
    assert [each["compared"] for each in repository.plans("--definitions")] == ["definitions"] * 3
    assert one["preview"]["losses"] == [{"kind": "disk", "subject": "store-2.access-service.dev-one"}]
    said = project.succeed("plan", "--base", "main")
    assert "the disk of store-2.access-service.dev-one is deleted with its data by --with-data or SOOP_WITH" in said
    assert "compared with main, not with what is deployed" in said
    assert said.count("access-service 3.2.3 -> 3.2.4, upgrade") == 2


def test_a_domain_that_cannot_be_planned_hides_no_other_and_no_secret_is_shown(repository: Repository) -> None:
    project = repository.project
    secrets = f"  soop:secrets: {{access-service: {{word: {SECRET}}}}}\n"
    project.write(repository.file(ONE), repository.definition("3.2.3", secrets))
    project.write(repository.file(TWO), repository.definition("7.7.7"))
    project.write(repository.file("dev-new"), repository.definition("3.2.4"))
    repository.commit()
    done = project.soop("plan", "--base", "main", "--markdown", "--definitions")
    assert done.returncode == 1
    assert SECRET not in done.stdout + done.stderr
    assert done.stdout.startswith(
        "<!-- soop plan: stand-in -->\n## This branch touches 3 domains, compared with main\n"
    )
    assert "### dev-new: what an update would do\n" in done.stdout
    assert "### dev-one: cannot be planned\n" in done.stdout
    assert "### dev-two: cannot be planned\n" in done.stdout
    assert "access-service-7.7.7 is not in" in done.stdout


def test_environments_sources_and_definitions_that_are_gone(repository: Repository) -> None:
    project = repository.project
    project.write("stacks/environments/dev.yaml", "machines: local\ncapacity: {nodes: 30}\n")
    project.write("service_defs/access-service/app.py", "changed")
    repository.git("rm", "-q", repository.file(TWO))
    repository.commit()
    one, two = repository.plans("--definitions")
    assert one["touched"] == [
        {"why": "source", "subject": "access-service-3.2.3"},
        {"why": "environment", "subject": "dev"},
    ]
    assert two["touched"] == [{"why": "removed definition", "subject": ""}]
    assert two["preview"] is None
    said = project.succeed("plan", "--base", "main", "--definitions")
    assert "what is built under this name stays" in said
    assert "dev-two: has no definition any more; it stays deployed until `soop destroy`" in said


def test_state_that_cannot_be_seen_is_mentioned_and_definitions_are_compared(repository: Repository) -> None:
    project = repository.project
    project.write(repository.file(ONE), repository.definition("3.2.4"))
    project.environment["PULUMI_BACKEND_URL"] = "file:///proc/no-such-folder"
    (one,) = repository.plans()
    assert "what is deployed cannot be seen from here" in one["problems"][0]
    assert one["preview"]["services"][0]["action"] == "upgrade"
    project.fail("plan", "--base", "main")


def test_what_is_wrong_with_the_base_is_said(repository: Repository) -> None:
    project = repository.project
    assert "there is no branch or commit nowhere here" in project.fail("plan", "--base", "nowhere")
    assert "there is no branch or commit --all here" in project.fail("plan", "--base=--all")
    repository.git("checkout", "-q", "--orphan", "alone")
    repository.commit()
    assert "HEAD and main have no commit in common here" in project.fail("plan", "--base", "main")
    assert "--base goes with neither a domain nor --out" in project.fail("plan", ONE, "--base", "main")
    assert "a domain or --base is missing" in project.fail("plan")
    assert "--definitions needs --base" in project.fail("plan", ONE, "--definitions")
    (project.root / ".git").rename(project.root / "git")
    assert "`git rev-parse` failed: fatal: not a git repository" in project.fail("plan", "--base", "main")

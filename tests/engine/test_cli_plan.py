"""``soop plan`` with the real engine and program."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from soop_components.build.builder import build
from soop_components.build.service_source import read_source
from soop_components.engine import Engine
from soop_components.engine.planned_update import PlannedEngine, PlannedUpdate
from soop_components.errors import SoopError
from soop_components.model.names import Reference
from soop_components.project import Project
from soop_components.schema.schemas import OUTPUTS
from tests.engine.stand_in.project import StandInProject

DOMAIN = "dev-two-access"
DEFINITION = f"stacks/Pulumi.{DOMAIN}.yaml"


def test_says_what_an_update_would_do_and_changes_nothing(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    assert project.soop("plan", DOMAIN).stdout == f"{DOMAIN}: no changes\n"

    text = project.read(DEFINITION).replace("access-service-3.2.3", "access-service-3.2.4\n      nodes: {web: 3}")
    project.write(DEFINITION, text)
    said = project.soop("plan", DOMAIN).stdout
    assert "access-service 3.2.3 -> 3.2.4, upgrade; nodes: 3 configured, 1 new\n" in said
    assert "web-1, web-2: configured; restarts access-service-job.service\n" in said
    assert "machine made: web-3.access-service.dev-two-access\n" in said
    words = project.pulumi("preview", "--diff", "--stack", DOMAIN).stderr
    assert "access-service 3.2.3 -> 3.2.4, upgrade; nodes: 3 configured, 1 new\n" in words
    assert "web-1, web-2: configured; restarts access-service-job.service\n" in words
    assert "<details>" in project.soop("plan", "--markdown", DOMAIN).stdout

    printed = json.loads(project.soop("plan", "--json", DOMAIN).stdout)
    jsonschema.validate(printed, OUTPUTS["plan"]())
    (service,) = printed["services"]
    assert (service["before"]["version"], service["after"]["version"]) == ("3.2.3", "3.2.4")
    assert {node["action"] for node in service["nodes"]} == {"configure", "create"}
    assert project.versions(DOMAIN) == {"access-service": "3.2.3"}
    assert project.read(DEFINITION) == text


def test_a_stack_that_somebody_else_has_made_is_left_alone(project: StandInProject, tmp_path: Path) -> None:
    opened = Project(project.root)
    update = PlannedUpdate.deploying(opened, DOMAIN, (Reference("access-service", "3.2.3"),))
    engine = Engine(opened, project.environment)
    engine.make_stack(DOMAIN)
    text = project.read(DEFINITION)
    with pytest.raises(SoopError, match="already exists"):
        PlannedEngine(engine, update, tmp_path, exists=False).preview()
    assert engine.stacks() == (DOMAIN,)
    assert project.read(DEFINITION) == text


def test_mistakes_are_named(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    project.write(DEFINITION, project.read(DEFINITION).replace("3.2.3", "7.7.7"))
    assert f"{DEFINITION}: soop:services[0].service: access-service-7.7.7 is not in" in project.fail("plan", DOMAIN)
    assert "there is no domain dev-tow-access" in project.fail("plan", "dev-tow-access")


def test_deploys_exactly_what_was_reviewed(project: StandInProject) -> None:
    shown = project.soop("plan", "access-service-3.2.3", DOMAIN, "--out", "first.plan").stdout
    assert "access-service 3.2.3 is new; nodes: 3 new\n" in shown
    assert not (project.root / DEFINITION).exists()
    project.succeed("deploy", "--plan", "first.plan")
    assert project.versions(DOMAIN) == {"access-service": "3.2.3"}

    project.succeed("plan", "access-service-3.2.4", "gateway-service-3.2.3", DOMAIN, "--out", "second.plan")
    assert project.pulumi("refresh", "--yes", "--stack", DOMAIN).returncode == 0
    project.succeed("deploy", "--plan", "second.plan")
    assert project.versions(DOMAIN) == {"access-service": "3.2.4", "gateway-service": "3.2.3"}

    said = project.fail("deploy", "--plan", "second.plan")
    assert "state: soop:index:Release access-service has changed\n" in said
    assert "state: soop:index:Release gateway-service is new\n" in said
    assert f"soop plan access-service-3.2.4 gateway-service-3.2.3 {DOMAIN} --out FILE" in said


def test_what_changes_after_a_review_is_refused(project: StandInProject) -> None:
    project.succeed("deploy", "access-service-3.2.3", DOMAIN)
    project.write(DEFINITION, project.read(DEFINITION).replace("access-service-3.2.3", "access-service-3.2.4"))
    project.succeed("plan", DOMAIN, "--out", "reviewed.plan")

    def refused(name: str, text: str) -> str:
        """Write a file for a moment and try the plan."""
        before = project.read(name)
        project.write(name, text)
        said = project.fail("deploy", "--plan", "reviewed.plan")
        project.write(name, before)
        assert "Updating" not in said
        return said

    definition, environment = project.read(DEFINITION), "stacks/environments/dev.yaml"
    assert f"\n  {DEFINITION} has changed\n" in refused(DEFINITION, definition + "# more\n")
    assert f"\n  {environment} has changed\n" in refused(environment, "machines: local\ncapacity: {nodes: 40}\n")
    reviewed = project.read("reviewed.plan")
    assert "was changed after it was made" in refused("reviewed.plan", reviewed.replace('"3.2.4"', '"3.2.5"'))
    assert "is damaged, or no plan" in refused("reviewed.plan", reviewed[:-100])
    assert "is damaged, or no plan" in refused("reviewed.plan", reviewed.replace('"format": 1', '"format": 2', 1))
    assert "there is no such file" in project.fail("deploy", "--plan", "other.plan")
    assert "expected no SERVICE-VERSION" in project.fail("deploy", "--plan", "reviewed.plan", DOMAIN)

    (project.root / ".soop/store").rename(project.root / "aside")
    service = "service_defs/access-service/service.yaml"
    project.write(service, project.read(service).replace("sleep 1", "sleep 2"))
    opened = Project(project.root)
    build(opened, read_source(opened, "access-service"), lambda _: None, "3.2.4")
    said = project.fail("deploy", "--plan", "reviewed.plan")
    assert "\n  artifact access-service-3.2.4 has changed\n" in said
    assert project.versions(DOMAIN) == {"access-service": "3.2.3"}
